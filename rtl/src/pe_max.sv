// Maximum of a processing element: the larger of two accumulators, one a cycle.
//
// `max_o` is the larger of the values of the last cycle in which `en_i` was high; a NaN wins. It
// does not round: who needs an operand narrows the result, which keeps the order.

module pe_max #(
  parameter logic [2:0] Format = fp_pkg::Bf16
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        en_i,
  input  logic [31:0] a_i,
  input  logic [31:0] b_i,
  output logic [31:0] max_o
);

  logic [31:0] max_d, max_q;

  always_comb begin
    max_d = max_q;
    if (en_i) max_d = fp_pkg::maximum(Format, a_i, b_i);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) max_q <= 32'd0;
    else max_q <= max_d;
  end

  assign max_o = max_q;

`ifndef SYNTHESIS
  CanonicalMax_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
    Format == fp_pkg::Int8 || max_q == fp_pkg::canonical(max_q))
    else $error("the maximum %h is a denormal or a NaN with a payload", max_q);
  Hold_A : assert property (@(posedge clk_i) disable iff (!rst_ni) !en_i |=> $stable(max_q))
    else $error("the maximum changed without being enabled");
`endif

endmodule
