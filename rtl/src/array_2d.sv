// The 2D array: Rows x Columns PEs, each wired to its four neighbours and to nothing else.
//
// Control and key words enter on the left, queries and partial results on top; what leaves column c
// at the bottom is of the slot that entered Rows + c cycles before. It has no broadcast wire.

module array_2d
  import array_pkg::*;
#(
  parameter logic [2:0]  Format = fp_pkg::Bf16,
  parameter int unsigned Rows = 4,
  parameter int unsigned Columns = 4,
  parameter int unsigned ExpDegree = 6,
  parameter int unsigned RfDepth = 16,
  localparam int unsigned Bits = fp_pkg::operand_bits(Format)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  pe_ctrl_t [Rows-1:0]      ctrl_i,
  input  logic [Rows-1:0][Bits:0]  left_i,    // bit `Bits`: masked
  input  logic [Columns-1:0][31:0] top_i,
  input  logic [Columns-1:0]       masked_i,
  output logic [Columns-1:0][31:0] bottom_o,
  output logic                     first_busy_o,  // PE (0, 0), and the last one, for monitors
  output logic                     last_busy_o
);

  pe_ctrl_t ctrl[Rows][Columns+1];
  logic [Bits-1:0] left[Rows][Columns+1];
  logic left_masked[Rows][Columns+1];
  logic [31:0] down[Rows+1][Columns];
  logic down_masked[Rows+1][Columns];

  for (genvar r = 0; r < Rows; r++) begin : g_row
    assign ctrl[r][0] = ctrl_i[r];
    assign left[r][0] = left_i[r][Bits-1:0];
    assign left_masked[r][0] = left_i[r][Bits];
    for (genvar c = 0; c < Columns; c++) begin : g_column
      pe_2d #(
        .Format   (Format),
        .ExpDegree(ExpDegree),
        .RfDepth  (RfDepth)
      ) u_pe (
        .clk_i,
        .rst_ni,
        .ctrl_i       (ctrl[r][c]),
        .left_i       (left[r][c]),
        .left_masked_i(left_masked[r][c]),
        .top_i        (down[r][c]),
        .top_masked_i (down_masked[r][c]),
        .ctrl_o       (ctrl[r][c+1]),
        .left_o       (left[r][c+1]),
        .left_masked_o(left_masked[r][c+1]),
        .down_o       (down[r+1][c]),
        .down_masked_o(down_masked[r+1][c])
      );
    end
  end

  for (genvar c = 0; c < Columns; c++) begin : g_edge
    assign down[0][c] = top_i[c];
    assign down_masked[0][c] = masked_i[c];
    assign bottom_o[c] = down[Rows][c];
  end

`ifndef SYNTHESIS
  // Every PE of a row gets the same control words: it is enough to look at the first.
  for (genvar r = 0; r < Rows; r++) begin : g_check
    RegistersExist_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
      ctrl_i[r].op == Nop2d || (32'(ctrl_i[r].a) < RfDepth && 32'(ctrl_i[r].d) < RfDepth))
      else $error("register %0d or %0d of %0d", ctrl_i[r].a, ctrl_i[r].d, RfDepth);
    StepExists_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
      ctrl_i[r].op != Exp || 32'(ctrl_i[r].step) < ExpDegree)
      else $error("step %0d of an exponential of degree %0d", ctrl_i[r].step, ExpDegree);
  end
`endif

  assign first_busy_o = ctrl[0][0].op != Nop2d;
  assign last_busy_o = ctrl[Rows-1][Columns-1].op != Nop2d;

endmodule
