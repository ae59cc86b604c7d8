// The one program counter of both arrays: steps through the table of a modulo schedule.
//
// A tile step begins every `interval` cycles and lasts for `stages` intervals; a row of the table
// says what both arrays do in one cycle of the interval, and for the tile step of which stage. The
// pointers of a tile step move from stage to stage with it. A slot whose tile step has not begun,
// or was never to begin, is empty: so a phase fills and drains. Phases follow one another without
// a gap. The first slot is issued in the cycle of `start_i`; done_o rises when the last has left
// the arrays.
//
// It knows nothing of Einsums, never stalls and never skips: tables come from rtl/control. Its
// memories are filled by the back door while it is idle, at least one cycle before `start_i`.

module sequencer
  import array_pkg::*;
  import sequencer_pkg::*;
#(
  parameter int unsigned Rows = 4,
  parameter int unsigned Columns = 4,
  parameter int unsigned TableDepth = 1024
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 start_i,
  output logic                 done_o,
  output pe_ctrl_t             pe_ctrl_o,
  output logic [AddrWidth-1:0] left_addr_o,
  output column_ctrl_t         column_ctrl_o,
  output lane_ctrl_t           lane_ctrl_o
);

  localparam int unsigned Stages = 1 << StageWidth;
  localparam int unsigned Index = $clog2(TableDepth);
  localparam logic [CountWidth-1:0] DrainCycles = CountWidth'(Rows + Columns);

  typedef enum logic [1:0] {Idle, Run, Drain} state_e;

  typedef logic [Streams-1:0][AddrWidth-1:0] pointers_t;

  // Filled by the back door.
  logic [$bits(row_t)-1:0] table_words[TableDepth];
  logic [$bits(phase_t)-1:0] phase_words[1<<PhaseWidth];
  logic [$bits(stream_t)-1:0] stream_words[Streams];

  state_e state_d, state_q;
  logic [RowWidth-1:0] cycle_d, cycle_q;
  logic [CountWidth-1:0] step_d, step_q, trip_d, trip_q;
  logic [PhaseWidth-1:0] phase_d, phase_q;
  pointers_t pointer_q;
  logic [CountWidth-1:0] count_q[Streams];
  // Of the tile steps of stages 1 and up; those of stage 0 are in `step_q` and `pointer_q`.
  logic [Stages-1:0] valid_q, first_q;
  pointers_t earlier_q[Stages];
  logic valid_2d, valid_1d, valid_capture, first_1d;
  row_t row;
  phase_t phase;
  logic active, next_step, next_phase;

  assign phase = phase_t'(phase_words[phase_q]);
  assign row = row_t'(table_words[Index'(phase.base + cycle_q)]);
  assign active = (state_q == Run) || (state_q == Idle && start_i);
  assign next_step = active && cycle_q == phase.interval - 1'b1;
  assign next_phase = next_step && step_q == phase.steps + CountWidth'(phase.stages) - 20'd2;

  // What runs in which order.
  always_comb begin
    state_d = state_q;
    cycle_d = cycle_q;
    step_d = step_q;
    trip_d = trip_q;
    phase_d = phase_q;
    if (active) begin
      state_d = Run;
      cycle_d = cycle_q + 1'b1;
    end
    if (next_step) begin
      cycle_d = '0;
      step_d = step_q + 1'b1;
    end
    if (next_phase) begin
      step_d = '0;
      if (phase.trips != 20'd1 && trip_q != phase.trips - 1'b1) begin
        phase_d = phase.back;
        trip_d = trip_q + 1'b1;
      end else if (phase.halt) begin
        state_d = Drain;
      end else begin
        phase_d = phase_q + 1'b1;
        if (phase.trips != 20'd1) trip_d = '0;
      end
    end
    if (state_q == Drain) begin
      step_d = step_q + 1'b1;
      if (step_q == DrainCycles) begin
        state_d = Idle;
        step_d = '0;
        trip_d = '0;
        phase_d = '0;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= Idle;
      cycle_q <= '0;
      step_q <= '0;
      trip_q <= '0;
      phase_q <= '0;
    end else begin
      state_q <= state_d;
      cycle_q <= cycle_d;
      step_q <= step_d;
      trip_q <= trip_d;
      phase_q <= phase_d;
    end
  end
  assign done_o = state_q == Drain && step_q == DrainCycles;

  // Tile steps grow older.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
      first_q <= '0;
    end else if (next_phase) begin
      valid_q <= '0;
    end else if (next_step) begin
      valid_q <= {valid_q[Stages-2:1], begun('0), 1'b0};
      first_q <= {first_q[Stages-2:1], step_q < phase.first, 1'b0};
    end
  end

  always_ff @(posedge clk_i) begin
    if (next_step) begin
      earlier_q[0] <= '0;
      earlier_q[1] <= pointer_q;
      for (int unsigned s = 2; s < Stages; s++) earlier_q[s] <= earlier_q[s-1];
    end
  end

  // Pointers.
  for (genvar s = 0; s < Streams; s++) begin : g_stream
    stream_t stream;
    logic [AddrWidth-1:0] further;
    assign stream = stream_t'(stream_words[s]);
    assign further = pointer_q[s] + stream.stride;
    always_ff @(posedge clk_i) begin
      if (state_q == Idle && !start_i) begin
        pointer_q[s] <= stream.start;
        count_q[s] <= '0;
      end else if (next_phase && stream.rewind && stream.phase == phase_q) begin
        pointer_q[s] <= stream.start;
        count_q[s] <= '0;
      end else if (next_step && begun('0) && stream.phase == phase_q) begin
        if (count_q[s] == stream.period - 1'b1) begin
          count_q[s] <= '0;
          pointer_q[s] <= (further == stream.limit) ? stream.base : further;
        end else begin
          count_q[s] <= count_q[s] + 1'b1;
        end
      end
    end
  end

  // Slots.
  function automatic logic begun(logic [StageWidth-1:0] stage);
    begun = (stage == '0) ? step_q < phase.steps : valid_q[stage];
  endfunction

  function automatic logic [AddrWidth-1:0] pointer(logic [StageWidth-1:0] stage,
                                                   logic [StreamWidth-1:0] stream);
    pointer = (stage == '0) ? pointer_q[stream] : earlier_q[stage][stream];
  endfunction

  function automatic logic [AddrWidth-1:0] address(logic [StageWidth-1:0] stage, address_t at);
    address = pointer(stage, at.stream) + at.offset;
  endfunction

  function automatic logic [RegWidth-1:0] index(logic [StageWidth-1:0] stage, register_t at);
    index = RegWidth'(pointer(stage, at.stream)) + at.offset;
  endfunction

  assign valid_2d = active && begun(row.array_2d.stage);
  assign valid_1d = active && begun(row.array_1d.stage);
  assign valid_capture = active && begun(row.capture.stage);
  assign first_1d =
    (row.array_1d.stage == '0) ? step_q < phase.first : first_q[row.array_1d.stage];

  always_comb begin
    pe_ctrl_o = '0;
    column_ctrl_o = '0;
    left_addr_o = '0;
    if (valid_2d) begin
      pe_ctrl_o.op = row.array_2d.op;
      pe_ctrl_o.step = row.array_2d.step;
      pe_ctrl_o.first = row.array_2d.first;
      pe_ctrl_o.a = index(row.array_2d.stage, row.array_2d.a);
      pe_ctrl_o.d = index(row.array_2d.stage, row.array_2d.d);
      left_addr_o = address(row.array_2d.stage, row.array_2d.left);
      column_ctrl_o.select = row.array_2d.select;
      column_ctrl_o.addr = address(row.array_2d.stage, row.array_2d.top);
    end
  end

  always_comb begin
    lane_ctrl_o = '0;
    if (valid_1d) begin
      lane_ctrl_o.op = row.array_1d.op;
      lane_ctrl_o.step = row.array_1d.step;
      lane_ctrl_o.last = row.array_1d.last;
      lane_ctrl_o.a_source = first_1d ? row.array_1d.initially : row.array_1d.source;
      lane_ctrl_o.a = address(row.array_1d.stage, row.array_1d.a);
      lane_ctrl_o.b = index(row.array_1d.stage, row.array_1d.b);
      lane_ctrl_o.c = index(row.array_1d.stage, row.array_1d.c);
      lane_ctrl_o.d_target = row.array_1d.target;
      lane_ctrl_o.d = address(row.array_1d.stage, row.array_1d.d);
      lane_ctrl_o.copy_en = row.array_1d.copy_en;
      lane_ctrl_o.copy = index(row.array_1d.stage, row.array_1d.copy);
    end
    if (valid_capture) begin
      lane_ctrl_o.capture_en = row.capture.en;
      lane_ctrl_o.capture = index(row.capture.stage, row.capture.target);
    end
  end

`ifndef SYNTHESIS
  RowExists_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
    !active || 32'(phase.base) + 32'(cycle_q) < TableDepth)
    else $error("row %0d of a table of %0d", phase.base + cycle_q, TableDepth);
  StagesExist_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
    !active || (row.array_2d.stage < phase.stages && row.array_1d.stage < phase.stages &&
                row.capture.stage < phase.stages))
    else $error("a slot of a stage beyond the %0d of phase %0d", phase.stages, phase_q);
`endif

endmodule
