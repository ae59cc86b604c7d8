// 2**value in one cycle by a line in each eighth of [0, 1): the piecewise-linear alternative to the
// exponential on the MAC (pe_exp). Its own multiplier is 8 x 8 bits. For comparison only: nothing
// in the array uses it. Golden model: rtl/synthesis/exponentials.py.

module exp_pwl (
  input  logic        clk_i,
  input  logic [31:0] value_i,
  output logic [31:0] result_o
);

  logic [33:0] fixed;
  logic [11:0] offset;
  logic [7:0] slope;
  logic [15:0] product;
  logic [12:0] mantissa;
  logic [31:0] result_d, result_q;

  always_comb begin
    fixed = fp_pkg::fixed_point(5'd11, value_i);
    case (fixed[23:21])
      3'd0: {offset, slope} = {12'd0, 8'd92};
      3'd1: {offset, slope} = {12'd369, 8'd101};
      3'd2: {offset, slope} = {12'd773, 8'd110};
      3'd3: {offset, slope} = {12'd1213, 8'd120};
      3'd4: {offset, slope} = {12'd1694, 8'd131};
      3'd5: {offset, slope} = {12'd2218, 8'd143};
      3'd6: {offset, slope} = {12'd2789, 8'd156};
      default: {offset, slope} = {12'd3413, 8'd170};
    endcase
    product = {8'd0, slope} * {8'd0, fixed[20:13]} + 16'd32;
    mantissa = {1'b0, offset} + {3'd0, product[15:6]};
    if (mantissa[12]) mantissa = 13'd4095;
    result_d = exp_pkg::assemble(value_i, fixed[33:24], {mantissa[11:0], 11'd0});
  end

  always_ff @(posedge clk_i) result_q <= result_d;

  assign result_o = result_q;

endmodule
