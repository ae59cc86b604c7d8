// 2**value in one cycle by a polynomial of degree 3 in fixed point: a dedicated unit, the
// alternative to the exponential on the MAC (pe_exp). It has three multipliers of 16 x 16 bits. For
// comparison only: nothing in the array uses it. Golden model: rtl/synthesis/exponentials.py.

module exp_unit (
  input  logic        clk_i,
  input  logic [31:0] value_i,
  output logic [31:0] result_o
);

  logic [33:0] fixed;
  logic [31:0] digits, first, second, third;
  logic [31:0] result_d, result_q;

  // The coefficients of fp_pkg's polynomial, times 2**16.
  always_comb begin
    fixed = fp_pkg::fixed_point(5'd16, value_i);
    digits = {16'd0, fixed[23:8]};
    first = 32'd5051 * digits;
    second = ({16'd0, first[31:16]} + 32'd14919) * digits;
    third = ({16'd0, second[31:16]} + 32'd45555) * digits;
    result_d = exp_pkg::assemble(value_i, fixed[33:24], {third[31:16], 7'd0});
  end

  always_ff @(posedge clk_i) result_q <= result_d;

  assign result_o = result_q;

endmodule
