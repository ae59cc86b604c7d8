// The 1D array: a lane under each column, a bank of memory at each lane, control from lane to lane.
//
// The bank reads the word that a slot needs while the slot is on its way from the neighbour: the
// register behind the bank is the skew register. Results for the output are rounded to operands.

module array_1d
  import array_pkg::*;
#(
  parameter logic [2:0]  Format = fp_pkg::Bf16,
  parameter int unsigned Lanes = 4,
  parameter int unsigned ExpDegree = 6,
  parameter int unsigned RfDepth = 32,
  parameter int unsigned BankDepth = 1024,
  parameter int unsigned OutputDepth = 1024
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  lane_ctrl_t                       ctrl_i,
  input  logic [Lanes-1:0][31:0]           column_i,
  input  logic [Lanes-1:0][RegWidth-1:0]   top_addr_i,
  output logic [Lanes-1:0][31:0]           top_o,
  output logic [Lanes-1:0]                 bank_we_o,    // for monitors
  output logic [Lanes-1:0]                 output_we_o,
  output logic [Lanes-1:0][AddrWidth-1:0]  addr_o,
  output logic                             busy_o
);

  lane_ctrl_t [Lanes-1:0] ctrl_q;
  logic [Lanes-1:0][AddrWidth-1:0] read_addr, addr;
  logic [Lanes-1:0][31:0] bank, result, narrowed, unused_output;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ctrl_q <= '0;
    else ctrl_q <= {ctrl_q[Lanes-2:0], ctrl_i};
  end

  for (genvar lane = 0; lane < Lanes; lane++) begin : g_lane
    if (lane == 0) begin : g_first
      assign read_addr[lane] = ctrl_i.a;
    end else begin : g_later
      assign read_addr[lane] = ctrl_q[lane-1].a;
    end
    pe_1d #(
      .Format   (Format),
      .ExpDegree(ExpDegree),
      .RfDepth  (RfDepth)
    ) u_pe (
      .clk_i,
      .rst_ni,
      .ctrl_i     (ctrl_q[lane]),
      .bank_i     (bank[lane]),
      .column_i   (column_i[lane]),
      .top_addr_i (top_addr_i[lane]),
      .top_o      (top_o[lane]),
      .bank_we_o  (bank_we_o[lane]),
      .output_we_o(output_we_o[lane]),
      .addr_o     (addr[lane]),
      .result_o   (result[lane])
    );
    assign narrowed[lane] = fp_pkg::narrow(Format, result[lane]);
  end

  buffer #(
    .Banks(Lanes),
    .Depth(BankDepth),
    .Width(32)
  ) u_state (
    .clk_i,
    .read_addr_i (read_addr),
    .read_o      (bank),
    .write_en_i  (bank_we_o),
    .write_addr_i(addr),
    .write_i     (result)
  );

  buffer #(
    .Banks(Lanes),
    .Depth(OutputDepth),
    .Width(32)
  ) u_output (
    .clk_i,
    .read_addr_i ('0),
    .read_o      (unused_output),
    .write_en_i  (output_we_o),
    .write_addr_i(addr),
    .write_i     (narrowed)
  );

  assign addr_o = addr;
  assign busy_o = ctrl_q[0].op != Nop1d;

endmodule
