// Processing element of the 2D array: one fused multiply-add, one maximum, a register file.
//
// Control comes with the operands from the left and goes on to the right a cycle later, so that PE
// (r, c) executes a slot r + c cycles after PE (0, 0). A key or value word comes from the left; a
// query, a running maximum or a partial sum comes from above. An exponential takes a subtraction
// and `ExpDegree` steps on the same multiply-add, whose coefficients come from above; other slots may
// run between its steps, but one exponential ends before the next begins.
//
// It does not decide anything: which slot, which register and which step all stand in the control
// word. It does not check that a register was written before it is read. The register file is not
// reset.

module pe_2d
  import array_pkg::*;
#(
  parameter logic [2:0]  Format = fp_pkg::Bf16,
  parameter int unsigned ExpDegree = 6,
  parameter int unsigned RfDepth = 16,
  localparam int unsigned Bits = fp_pkg::operand_bits(Format)
) (
  input  logic            clk_i,
  input  logic            rst_ni,
  input  pe_ctrl_t        ctrl_i,
  input  logic [Bits-1:0] left_i,
  input  logic            left_masked_i,
  input  logic [31:0]     top_i,
  input  logic            top_masked_i,
  output pe_ctrl_t        ctrl_o,
  output logic [Bits-1:0] left_o,
  output logic            left_masked_o,
  output logic [31:0]     down_o,
  output logic            down_masked_o
);

  /*verilator no_inline_module*/  // which would compile N x N copies as one function

  localparam int unsigned IndexWidth = $clog2(RfDepth);

  logic [31:0] rf_q[RfDepth];
  pe_ctrl_t ctrl_q;
  logic [Bits-1:0] left_q;
  logic left_masked_q, top_masked_q;
  logic [31:0] down_d, down_q, write;
  pe_2d_pkg::exponential_t exponential_d, exponential_q;
  logic write_en;

  always_comb begin
    pe_2d_pkg::execute(Format, 4'(ExpDegree), ctrl_i.op, ctrl_i.step, ctrl_i.first, 32'(left_i),
                       left_masked_i || top_masked_i, top_i, rf_q[ctrl_i.a[IndexWidth-1:0]],
                       exponential_q, exponential_d, down_d, write_en, write);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ctrl_q <= '0;
    else ctrl_q <= ctrl_i;
  end

  always_ff @(posedge clk_i) begin
    left_q <= left_i;
    left_masked_q <= left_masked_i;
    top_masked_q <= top_masked_i;
    down_q <= down_d;
    exponential_q <= exponential_d;
    if (write_en) rf_q[ctrl_i.d[IndexWidth-1:0]] <= write;
  end

  assign ctrl_o = ctrl_q;
  assign left_o = left_q;
  assign left_masked_o = left_masked_q;
  assign down_o = down_q;
  assign down_masked_o = top_masked_q;

`ifndef SYNTHESIS
  initial begin
    assert (Format != fp_pkg::Int8) else $fatal(1, "softmax needs a floating-point format");
  end
`endif

endmodule
