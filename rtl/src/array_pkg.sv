// Words that travel through the array: what a PE or a lane does, and where its operands are.
//
// The encodings are those of rtl/control/operations.py and rtl/control/words.py, which a test
// holds against this file. Nothing here is specific to attention.

package array_pkg;

  localparam int unsigned RegWidth = 6;   // registers of a PE or a lane: at most 64
  localparam int unsigned AddrWidth = 16; // words of a memory bank
  localparam int unsigned StepWidth = 4;  // steps of an exponential or a reciprocal

  localparam logic [31:0] MinusInfinity = 32'hff80_0000;

  typedef enum logic [3:0] {
    Nop2d    = 4'd0,
    Mac      = 4'd1,  // register d = register a + left * top
    Max      = 4'd2,  // down = max(top, register a)
    Subtract = 4'd3,  // register a - top, which the next step takes to the power of 2
    Exp      = 4'd4,  // a step of 2**x with coefficient top, the last one to register d
    Sum      = 4'd5,  // down = top + register a
    Weighted = 4'd6,  // down = top + register a * left
    Scale    = 4'd7   // register d = register a * top
  } op_2d_e;

  typedef struct packed {
    op_2d_e                op;
    logic [StepWidth-1:0]  step;
    logic                  first;  // a sum's first term: nothing, or minus infinity if masked
    logic [RegWidth-1:0]   a;
    logic [RegWidth-1:0]   d;
  } pe_ctrl_t;

  typedef enum logic [2:0] {
    TopZero          = 3'd0,
    TopMinusInfinity = 3'd1,
    TopQuery         = 3'd2,  // word `addr` of the column's bank
    TopLane          = 3'd3,  // register `addr` of the column's lane
    TopCoefficient   = 3'd4   // number `addr` of the polynomial for 2**x
  } top_e;

  typedef struct packed {
    top_e                  select;
    logic [AddrWidth-1:0]  addr;
  } column_ctrl_t;

  typedef enum logic [3:0] {
    Nop1d      = 4'd0,
    LaneMax    = 4'd1,  // max(a, c), rounded to an operand of the 2D array
    LaneSub    = 4'd2,  // a - c, which the next step takes to the power of 2
    LaneExp    = 4'd3,  // a step of 2**x
    LaneMul    = 4'd4,  // a * b
    LaneAdd    = 4'd5,  // a + c
    LaneMac    = 4'd6,  // a * b + c
    Reciprocal = 4'd7,  // a step of 1 / a
    Copy       = 4'd8   // a
  } op_1d_e;

  typedef enum logic [1:0] {
    FromRegister      = 2'd0,
    FromBank          = 2'd1,
    FromZero          = 2'd2,
    FromMinusInfinity = 2'd3
  } source_e;

  typedef enum logic [1:0] {
    ToRegister = 2'd0,
    ToBank     = 2'd1,
    ToOutput   = 2'd2,
    ToNowhere  = 2'd3
  } target_e;

  typedef struct packed {
    op_1d_e                op;
    logic [StepWidth-1:0]  step;
    logic                  last;       // the step that has the result
    source_e               a_source;
    logic [AddrWidth-1:0]  a;
    logic [RegWidth-1:0]   b;
    logic [RegWidth-1:0]   c;
    target_e               d_target;
    logic [AddrWidth-1:0]  d;
    logic                  copy_en;    // also to a register
    logic [RegWidth-1:0]   copy;
    logic                  capture_en; // what leaves the column goes to a register
    logic [RegWidth-1:0]   capture;
  } lane_ctrl_t;

endpackage
