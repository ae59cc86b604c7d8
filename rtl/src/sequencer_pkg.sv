// The sequencer's memory image: rows of the table, phases and address streams.
//
// Laid out as rtl/control/words.py writes it, which a test holds against this file.

package sequencer_pkg;

  import array_pkg::*;

  localparam int unsigned StreamWidth = 5;
  localparam int unsigned Streams = 32;
  localparam int unsigned StageWidth = 4;
  localparam int unsigned PhaseWidth = 4;
  localparam int unsigned RowWidth = 12;
  localparam int unsigned CountWidth = 20;

  // An address is the stream's pointer for the tile step of the slot, plus the offset.
  typedef struct packed {
    logic [StreamWidth-1:0] stream;
    logic [AddrWidth-1:0]   offset;
  } address_t;

  typedef struct packed {
    logic [StreamWidth-1:0] stream;
    logic [RegWidth-1:0]    offset;
  } register_t;

  typedef struct packed {
    op_2d_e                op;
    logic [StageWidth-1:0] stage;  // the slot belongs to the tile step that began so long ago
    logic [StepWidth-1:0]  step;
    logic                  first;
    address_t              left;
    top_e                  select;
    address_t              top;
    register_t             a;
    register_t             d;
  } slot_2d_t;

  typedef struct packed {
    op_1d_e                op;
    logic [StageWidth-1:0] stage;
    logic [StepWidth-1:0]  step;
    logic                  last;
    source_e               source;
    source_e               initially;  // the source of a in a phase's first steps
    address_t              a;
    register_t             b;
    register_t             c;
    target_e               target;
    address_t              d;
    logic                  copy_en;
    register_t             copy;
  } slot_1d_t;

  typedef struct packed {
    logic                  en;
    logic [StageWidth-1:0] stage;
    register_t             target;
  } capture_t;

  // What happens in one cycle of an initiation interval.
  typedef struct packed {
    slot_2d_t array_2d;
    slot_1d_t array_1d;
    capture_t capture;
  } row_t;

  // Tile steps that begin `interval` cycles apart. After the last phase of a loop the sequencer goes
  // back to phase `back`, until it has done so `trips` - 1 times.
  typedef struct packed {
    logic [RowWidth-1:0]   base;
    logic [RowWidth-1:0]   interval;
    logic [StageWidth-1:0] stages;
    logic [CountWidth-1:0] steps;
    logic [CountWidth-1:0] first;  // steps that take initial values
    logic [PhaseWidth-1:0] back;
    logic [CountWidth-1:0] trips;
    logic                  halt;
  } phase_t;

  // A pointer that begins at `start` and, every `period` steps of its phase, takes one stride; where
  // that reaches `limit` it continues at `base`. With `rewind` it is back at `start` when the phase
  // ends.
  typedef struct packed {
    logic [PhaseWidth-1:0] phase;
    logic [AddrWidth-1:0]  base;
    logic [AddrWidth-1:0]  start;
    logic [AddrWidth-1:0]  stride;
    logic [AddrWidth-1:0]  limit;
    logic [CountWidth-1:0] period;
    logic                  rewind;
  } stream_t;

endpackage
