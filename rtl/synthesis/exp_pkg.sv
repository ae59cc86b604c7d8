// What the exponential units that are compared with pe_exp share.

package exp_pkg;

  // 1.mantissa * 2**power in fp32; infinity or zero for a value beyond +-256, NaN for NaN.
  function automatic logic [31:0] assemble(logic [31:0] value, logic [9:0] power,
                                           logic [22:0] mantissa);
    logic [31:0] from;
    from = fp_pkg::canonical(value);
    if (from == fp_pkg::NaN) assemble = fp_pkg::NaN;
    else if (from[30:23] >= 8'd135) assemble = from[31] ? 32'd0 : fp_pkg::Infinity;
    else assemble = fp_pkg::scale({9'b0_0111_1111, mantissa}, power);
  endfunction

endpackage
