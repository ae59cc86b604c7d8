// SystemVerilog sources by dependency level: packages, leaf modules, then what holds them.
src/fp_pkg.sv
src/pe_mac.sv
src/pe_max.sv
src/pe_exp.sv
