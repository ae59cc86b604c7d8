// Multiply-accumulate of a processing element: one fused operation a cycle.
//
// `acc_o` is addend + a * b of the last cycle in which `en_i` was high. Who accumulates connects
// `addend_i` to it. It has no handshake, no pipeline and no exception flag.

module pe_mac #(
  parameter logic [2:0] Format = fp_pkg::Bf16,
  localparam int unsigned Bits = fp_pkg::operand_bits(Format)
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  logic            en_i,
  input  logic [Bits-1:0] a_i,
  input  logic [Bits-1:0] b_i,
  input  logic [31:0]     addend_i,
  output logic [31:0]     acc_o
);

  logic [31:0] acc_d, acc_q;

  always_comb begin
    acc_d = acc_q;
    if (en_i) acc_d = fp_pkg::fma(Format, 32'(a_i), 32'(b_i), addend_i);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) acc_q <= 32'd0;
    else acc_q <= acc_d;
  end

  assign acc_o = acc_q;

`ifndef SYNTHESIS
  // An accumulator is canonical, so that equal values are equal bits.
  CanonicalAcc_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
    Format == fp_pkg::Int8 || acc_q == fp_pkg::canonical(acc_q))
    else $error("the accumulator %h is a denormal or a NaN with a payload", acc_q);
  Hold_A : assert property (@(posedge clk_i) disable iff (!rst_ni) !en_i |=> $stable(acc_q))
    else $error("the accumulator changed without being enabled");
`endif

endmodule
