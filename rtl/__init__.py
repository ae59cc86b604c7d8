"""Is it buildable: processing elements in SystemVerilog, held against the model."""
