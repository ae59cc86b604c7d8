// FuseMax's arrays: N x N PEs, N lanes, their memories and the sequencer.
//
// A run begins with `start_i` and is over with `done_o`; inputs, control and results are in memories
// that are filled and read by the back door. The last row's results enter the lanes, whose registers
// feed the tops of the columns: rows that are folded (0, N-1, 1, N-2, ...) keep these wires
// short. It has no bus, no DRAM and no stall.

module fusemax_top
  import array_pkg::*;
#(
  parameter logic [2:0]  Format = fp_pkg::Bf16,
  parameter int unsigned N = 4,
  parameter int unsigned ExpDegree = 6,
  parameter int unsigned RfDepth = 16,
  parameter int unsigned LaneRfDepth = 32,
  parameter int unsigned KeyDepth = 1024,
  parameter int unsigned QueryDepth = 1024,
  parameter int unsigned StateDepth = 1024,
  parameter int unsigned OutputDepth = 1024,
  parameter int unsigned TableDepth = 1024,
  localparam int unsigned Bits = fp_pkg::operand_bits(Format)
) (
  input  logic         clk_i,
  input  logic         rst_ni,
  input  logic         start_i,
  output logic         done_o,
  // For monitors.
  output logic         first_busy_o,
  output logic         last_busy_o,
  output logic         lane_busy_o,
  output logic [N-1:0] state_we_o,
  output logic [N-1:0] output_we_o,
  output logic [N-1:0][array_pkg::AddrWidth-1:0] addr_o
);

  pe_ctrl_t pe_ctrl;
  pe_ctrl_t [N-1:0] row_ctrl;
  column_ctrl_t column_ctrl;
  lane_ctrl_t lane_ctrl;
  logic [AddrWidth-1:0] left_addr;
  logic [N-1:0][AddrWidth-1:0] row_addr, column_addr;
  logic [N-1:0][RegWidth-1:0] lane_addr;
  logic [N-1:0][Bits:0] left, query;
  logic [N-1:0][31:0] top, bottom, lane_top;
  logic [N-1:0] masked;

  sequencer #(
    .Rows      (N),
    .Columns   (N),
    .TableDepth(TableDepth)
  ) u_sequencer (
    .clk_i,
    .rst_ni,
    .start_i,
    .done_o,
    .pe_ctrl_o    (pe_ctrl),
    .left_addr_o  (left_addr),
    .column_ctrl_o(column_ctrl),
    .lane_ctrl_o  (lane_ctrl)
  );

  row_network #(
    .Rows(N)
  ) u_rows (
    .clk_i,
    .rst_ni,
    .ctrl_i     (pe_ctrl),
    .addr_i     (left_addr),
    .ctrl_o     (row_ctrl),
    .read_addr_o(row_addr)
  );

  buffer #(
    .Banks(N),
    .Depth(KeyDepth),
    .Width(Bits + 1)
  ) u_keys (
    .clk_i,
    .read_addr_i (row_addr),
    .read_o      (left),
    .write_en_i  ('0),
    .write_addr_i('0),
    .write_i     ('0)
  );

  column_network #(
    .Format   (Format),
    .Columns  (N),
    .ExpDegree(ExpDegree)
  ) u_columns (
    .clk_i,
    .rst_ni,
    .ctrl_i     (column_ctrl),
    .read_addr_o(column_addr),
    .query_i    (query),
    .lane_addr_o(lane_addr),
    .lane_i     (lane_top),
    .top_o      (top),
    .masked_o   (masked)
  );

  buffer #(
    .Banks(N),
    .Depth(QueryDepth),
    .Width(Bits + 1)
  ) u_queries (
    .clk_i,
    .read_addr_i (column_addr),
    .read_o      (query),
    .write_en_i  ('0),
    .write_addr_i('0),
    .write_i     ('0)
  );

  array_2d #(
    .Format   (Format),
    .Rows     (N),
    .Columns  (N),
    .ExpDegree(ExpDegree),
    .RfDepth  (RfDepth)
  ) u_array_2d (
    .clk_i,
    .rst_ni,
    .ctrl_i      (row_ctrl),
    .left_i      (left),
    .top_i       (top),
    .masked_i    (masked),
    .bottom_o    (bottom),
    .first_busy_o,
    .last_busy_o
  );

  array_1d #(
    .Format     (Format),
    .Lanes      (N),
    .ExpDegree  (ExpDegree),
    .RfDepth    (LaneRfDepth),
    .BankDepth  (StateDepth),
    .OutputDepth(OutputDepth)
  ) u_array_1d (
    .clk_i,
    .rst_ni,
    .ctrl_i     (lane_ctrl),
    .column_i   (bottom),
    .top_addr_i (lane_addr),
    .top_o      (lane_top),
    .bank_we_o  (state_we_o),
    .output_we_o(output_we_o),
    .addr_o,
    .busy_o     (lane_busy_o)
  );

endmodule
