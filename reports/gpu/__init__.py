"""GPU kernels beside the model that predicts them: predictions, records, fit, report."""
