// Test bench of fusemax_top: fills and reads its memories by the back door and counts cycles.
//
// A rising `load_i` reads the images of the working folder, a rising `dump_i` writes them. What is
// counted comes from what the arrays do, never from the table: cycle 1 is the one after `start_i`.

module array_bench #(
  parameter logic [2:0]  Format = fp_pkg::Bf16,
  parameter int unsigned N = 4,
  parameter int unsigned ExpDegree = 6,
  parameter int unsigned RfDepth = 16,
  parameter int unsigned LaneRfDepth = 32,
  parameter int unsigned KeyDepth = 1024,
  parameter int unsigned QueryDepth = 1024,
  parameter int unsigned StateDepth = 1024,
  parameter int unsigned OutputDepth = 1024,
  parameter int unsigned TableDepth = 1024
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        load_i,
  input  logic        dump_i,
  input  logic        start_i,
  input  logic [15:0] values_base_i,      // a tile is complete in a lane when the last of its
  input  logic [15:0] values_i,           // `values_i` values, from this word on, is in the bank
  output logic        done_o,
  output logic [31:0] cycles_o,           // the last output was written in this cycle
  output logic [31:0] outputs_o,          // words written by all lanes
  output logic [31:0] busy_2d_o,          // cycles that PE (0, 0) worked
  output logic [31:0] busy_1d_o,          // cycles that lane 0 worked
  output logic [31:0] tiles_o,            // completed in the last lane
  output logic [31:0] first_tile_o,       // when the first one was
  output logic [31:0] last_tile_o,
  output logic [31:0] least_interval_o,   // between completions
  output logic [31:0] most_interval_o,
  output logic [31:0] skew_o              // the last PE began that long after the first
);

  logic first_busy, last_busy, lane_busy;
  logic [N-1:0] state_we, output_we;
  logic [N-1:0][15:0] addr;
  logic [15:0] value;
  logic completed;
  logic [31:0] interval, cycle_q, first_began_q, last_began_q;

  fusemax_top #(
    .Format     (Format),
    .N          (N),
    .ExpDegree  (ExpDegree),
    .RfDepth    (RfDepth),
    .LaneRfDepth(LaneRfDepth),
    .KeyDepth   (KeyDepth),
    .QueryDepth (QueryDepth),
    .StateDepth (StateDepth),
    .OutputDepth(OutputDepth),
    .TableDepth (TableDepth)
  ) dut (
    .clk_i,
    .rst_ni,
    .start_i,
    .done_o,
    .first_busy_o(first_busy),
    .last_busy_o (last_busy),
    .lane_busy_o (lane_busy),
    .state_we_o  (state_we),
    .output_we_o (output_we),
    .addr_o      (addr)
  );

  assign value = addr[N-1] - values_base_i;
  assign completed = state_we[N-1] && addr[N-1] >= values_base_i &&
                     value % values_i == values_i - 16'd1;
  assign interval = cycle_q - last_tile_o;

  always @(posedge load_i) begin
    $readmemh("keys.hex", dut.u_keys.words);
    $readmemh("queries.hex", dut.u_queries.words);
    $readmemh("table.hex", dut.u_sequencer.table_words);
    $readmemh("phases.hex", dut.u_sequencer.phase_words);
    $readmemh("streams.hex", dut.u_sequencer.stream_words);
  end

  always @(posedge dump_i) begin
    $writememh("state.hex", dut.u_array_1d.u_state.words);
    $writememh("output.hex", dut.u_array_1d.u_output.words);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || start_i) begin
      cycle_q <= 32'd1;
      cycles_o <= '0;
      outputs_o <= '0;
      busy_2d_o <= '0;
      busy_1d_o <= '0;
      tiles_o <= '0;
      first_tile_o <= '0;
      last_tile_o <= '0;
      least_interval_o <= '1;
      most_interval_o <= '0;
      first_began_q <= '0;
      last_began_q <= '0;
    end else begin
      cycle_q <= cycle_q + 32'd1;
      if (output_we != '0) cycles_o <= cycle_q;
      outputs_o <= outputs_o + 32'($countones(output_we));
      busy_2d_o <= busy_2d_o + 32'(first_busy);
      busy_1d_o <= busy_1d_o + 32'(lane_busy);
      if (first_busy && first_began_q == '0) first_began_q <= cycle_q;
      if (last_busy && last_began_q == '0) last_began_q <= cycle_q;
      if (completed) begin
        tiles_o <= tiles_o + 32'd1;
        last_tile_o <= cycle_q;
        if (tiles_o == '0) begin
          first_tile_o <= cycle_q;
        end else begin
          if (interval < least_interval_o) least_interval_o <= interval;
          if (interval > most_interval_o) most_interval_o <= interval;
        end
      end
    end
  end
  assign skew_o = last_began_q - first_began_q;

endmodule
