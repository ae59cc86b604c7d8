// A lane of the 1D array: the running values of one query at a time, in fp32.
//
// It executes one slot a cycle: a maximum, a step of an exponential or of a reciprocal, or a
// multiply-add of operand a (a register or the word that its bank read for this slot) with
// registers b and c. The result goes to a register, the bank or the output. In the same cycle it
// can take what leaves its column into a register, which the slot may read already (bypass).
// Column c's lane works c cycles behind lane 0.
//
// The maximum is rounded to an operand of the 2D array, so that every PE subtracts the same
// value exactly. There is no divider. One exponential or reciprocal ends before the next begins;
// other slots may run between its steps. Registers are not reset.

module pe_1d
  import array_pkg::*;
#(
  parameter logic [2:0]  Format = fp_pkg::Bf16,
  parameter int unsigned ExpDegree = 6,
  parameter int unsigned RfDepth = 32
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  lane_ctrl_t           ctrl_i,
  input  logic [31:0]          bank_i,
  input  logic [31:0]          column_i,
  input  logic [RegWidth-1:0]  top_addr_i,
  output logic [31:0]          top_o,
  output logic                 bank_we_o,
  output logic                 output_we_o,
  output logic [AddrWidth-1:0] addr_o,
  output logic [31:0]          result_o
);

  localparam int unsigned IndexWidth = $clog2(RfDepth);
  localparam logic [2:0] Lane = fp_pkg::Fp32;
  localparam logic [3:0] Degree = 4'(ExpDegree);

  logic [31:0] rf_q[RfDepth];
  logic [31:0] a, b, c, significand, inverse_operand;
  logic [31:0] exponent_d, exponent_q, fraction_d, fraction_q, inverse_d, inverse_q;
  logic [9:0] power_d, power_q;
  logic [41:0] split;
  logic [31:0] factor_a, factor_b, addend, product, result;

  // What a register holds for this slot: what is captured now, if it is captured there.
  function automatic logic [31:0] bypass(logic captured, logic [31:0] column, logic [31:0] stored);
    bypass = captured ? column : stored;
  endfunction

  function automatic logic captures(logic en, logic [RegWidth-1:0] to, logic [RegWidth-1:0] index);
    captures = en && to == index;
  endfunction

  // Operands.
  always_comb begin
    unique case (ctrl_i.a_source)
      FromBank: a = bank_i;
      FromZero: a = 32'd0;
      FromMinusInfinity: a = MinusInfinity;
      default: begin
        a = bypass(captures(ctrl_i.capture_en, ctrl_i.capture, ctrl_i.a[RegWidth-1:0]),
                   column_i, rf_q[ctrl_i.a[IndexWidth-1:0]]);
      end
    endcase
    b = bypass(captures(ctrl_i.capture_en, ctrl_i.capture, ctrl_i.b), column_i,
               rf_q[ctrl_i.b[IndexWidth-1:0]]);
    c = bypass(captures(ctrl_i.capture_en, ctrl_i.capture, ctrl_i.c), column_i,
               rf_q[ctrl_i.c[IndexWidth-1:0]]);
  end
  assign top_o = fp_pkg::narrow(Format, rf_q[top_addr_i[IndexWidth-1:0]]);

  // A reciprocal's significand is needed again in every other step: operand a stays the same.
  assign significand = (ctrl_i.op == Reciprocal) ? fp_pkg::reciprocal_significand(Lane, a) : 32'd0;
  assign inverse_operand = fp_pkg::narrow(Lane, inverse_q);

  always_comb begin
    factor_a = a;
    factor_b = b;
    addend = 32'd0;
    split = 42'd0;
    fraction_d = fraction_q;
    power_d = power_q;
    unique case (ctrl_i.op)
      LaneSub: begin
        factor_a = c;
        factor_b = fp_pkg::minus_one(Lane);
        addend = a;
      end
      LaneExp: begin
        if (ctrl_i.step == '0) begin
          split = fp_pkg::exp2_split(Lane, exponent_q);
          power_d = split[41:32];
          fraction_d = split[31:0];
          factor_a = fp_pkg::exp2_coefficient(Degree, Degree);
        end else begin
          factor_a = exponent_q;
        end
        factor_b = fraction_d;
        addend = fp_pkg::exp2_coefficient(Degree, Degree - 4'd1 - ctrl_i.step);
      end
      LaneAdd: begin
        factor_b = fp_pkg::One;
        addend = c;
      end
      LaneMac: addend = c;
      Reciprocal: begin
        if (ctrl_i.step == '0) begin
          factor_a = significand;
          factor_b = fp_pkg::reciprocal_slope(Lane);
          addend = fp_pkg::reciprocal_offset();
        end else if (ctrl_i.step[0]) begin
          factor_a = {!significand[31], significand[30:0]};
          factor_b = inverse_operand;
          addend = fp_pkg::One;
        end else begin
          factor_a = inverse_operand;
          factor_b = exponent_q;
          addend = inverse_operand;
        end
      end
      default: ;
    endcase
  end

  always_comb begin
    product = 32'd0;
    if (ctrl_i.op != Nop1d && ctrl_i.op != LaneMax && ctrl_i.op != Copy) begin
      product = fp_pkg::fma(Lane, factor_a, factor_b, addend);
    end
    result = product;
    exponent_d = exponent_q;
    inverse_d = inverse_q;
    unique case (ctrl_i.op)
      LaneMax: begin
        result = fp_pkg::widen(Format, fp_pkg::narrow(Format, fp_pkg::maximum(Lane, a, c)));
      end
      LaneSub: exponent_d = (a == MinusInfinity) ? MinusInfinity : product;
      LaneExp: begin
        exponent_d = product;
        result = fp_pkg::scale(product, power_d);
      end
      Reciprocal: begin
        if (ctrl_i.step[0]) exponent_d = product;
        else inverse_d = product;
        result = fp_pkg::reciprocal_result(Lane, a, product);
      end
      Copy: result = a;
      default: ;
    endcase
  end

  always_ff @(posedge clk_i) begin
    exponent_q <= exponent_d;
    fraction_q <= fraction_d;
    power_q <= power_d;
    inverse_q <= inverse_d;
    if (ctrl_i.capture_en) rf_q[ctrl_i.capture[IndexWidth-1:0]] <= column_i;
    if (ctrl_i.op != Nop1d && ctrl_i.last) begin
      if (ctrl_i.d_target == ToRegister) rf_q[ctrl_i.d[IndexWidth-1:0]] <= result;
      if (ctrl_i.copy_en) rf_q[ctrl_i.copy[IndexWidth-1:0]] <= result;
    end
  end

  assign bank_we_o = ctrl_i.op != Nop1d && ctrl_i.last && ctrl_i.d_target == ToBank;
  assign output_we_o = ctrl_i.op != Nop1d && ctrl_i.last && ctrl_i.d_target == ToOutput;
  assign addr_o = ctrl_i.d;
  assign result_o = result;

`ifndef SYNTHESIS
  RegistersExist_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
    32'(top_addr_i) < RfDepth && !(ctrl_i.capture_en && 32'(ctrl_i.capture) >= RfDepth) &&
    !(ctrl_i.op != Nop1d && (32'(ctrl_i.b) >= RfDepth || 32'(ctrl_i.c) >= RfDepth)))
    else $error("a register beyond %0d", RfDepth);
  OneWriter_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
    !(ctrl_i.capture_en && ctrl_i.op != Nop1d && ctrl_i.last &&
      ((ctrl_i.d_target == ToRegister && ctrl_i.d[RegWidth-1:0] == ctrl_i.capture) ||
       (ctrl_i.copy_en && ctrl_i.copy == ctrl_i.capture))))
    else $error("register %0d is written twice", ctrl_i.capture);
`endif

endmodule
