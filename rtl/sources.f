// SystemVerilog sources by dependency level: packages, leaf modules, then what holds them.
src/fp_pkg.sv
src/pe_mac.sv
src/pe_max.sv
src/pe_exp.sv
src/array_pkg.sv
src/sequencer_pkg.sv
src/pe_2d_pkg.sv
src/buffer.sv
src/pe_2d.sv
src/pe_1d.sv
src/row_network.sv
src/column_network.sv
src/array_2d.sv
src/array_1d.sv
src/sequencer.sv
src/fusemax_top.sv
