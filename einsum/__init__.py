"""What is computed: ranks, tensors, extended Einsums and cascades."""
