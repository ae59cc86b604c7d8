// 2**value in one cycle by a polynomial of degree 3 in fixed point: a dedicated unit, the
// alternative to the exponential on the MAC (pe_exp). Its three multipliers have up to 14 x 14
// bits. For comparison only: nothing in the array uses it. Golden model:
// rtl/synthesis/exponentials.py.

module exp_unit (
  input  logic        clk_i,
  input  logic [31:0] value_i,
  output logic [31:0] result_o
);

  logic [33:0] fixed;
  logic [13:0] digits;
  logic [24:0] first;
  logic [26:0] second;
  logic [27:0] third;
  logic [31:0] result_d, result_q;

  // The coefficients of fp_pkg's polynomial, times 2**14; no sum is above 14 bits.
  always_comb begin
    fixed = fp_pkg::fixed_point(5'd14, value_i);
    digits = fixed[23:10];
    first = 25'd1263 * {11'd0, digits};
    second = {14'd0, 13'd3730 + {2'd0, first[24:14]}} * {13'd0, digits};
    third = {14'd0, 14'd11389 + {1'b0, second[26:14]}} * {14'd0, digits};
    result_d = exp_pkg::assemble(value_i, fixed[33:24], {third[27:14], 9'd0});
  end

  always_ff @(posedge clk_i) result_q <= result_d;

  assign result_o = result_q;

endmodule
