// Processing element of the 2D array: one fused multiply-add, one maximum, a register file.
//
// Control comes with the operands from the left and goes on to the right a cycle later, so that PE
// (r, c) executes a slot r + c cycles after PE (0, 0). A key or value word comes from the left; a
// query, a running maximum or a partial sum comes from above. An exponential takes a subtraction
// and `ExpDegree` steps on the same multiply-add; other slots may run between its steps, but one
// exponential ends before the next begins.
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

  localparam int unsigned IndexWidth = $clog2(RfDepth);
  localparam logic [3:0] Degree = 4'(ExpDegree);
  localparam logic [31:0] OneOperand = one_operand();
  localparam logic [31:0] MinusOneOperand = OneOperand | (32'd1 << (Bits - 1));

  // One in `Format`, as a constant: what fp_pkg::narrow gives.
  function automatic logic [31:0] one_operand();
    case (Format)
      fp_pkg::Fp32: one_operand = fp_pkg::One;
      fp_pkg::Bf16: one_operand = 32'h3f80;
      fp_pkg::E4m3: one_operand = 32'h38;
      fp_pkg::E5m2: one_operand = 32'h3c;
      default: one_operand = 32'h3c00;
    endcase
  endfunction

  logic [31:0] rf_q[RfDepth];
  pe_ctrl_t ctrl_q;
  logic [Bits-1:0] left_q, fraction_d, fraction_q;
  logic left_masked_q, top_masked_q;
  logic [31:0] down_d, down_q, exponent_d, exponent_q;
  logic [9:0] power_d, power_q;
  logic [41:0] split;
  logic [31:0] register_a, factor_a, factor_b, addend, result, write;
  logic write_en, last_step;

  assign register_a = rf_q[ctrl_i.a[IndexWidth-1:0]];
  assign last_step = ctrl_i.step == Degree - 4'd1;

  // Operands of the multiply-add.
  always_comb begin
    factor_a = 32'(left_i);
    factor_b = top_i;
    addend = register_a;
    split = 42'd0;
    fraction_d = fraction_q;
    power_d = power_q;
    unique case (ctrl_i.op)
      Mac: if (ctrl_i.first) addend = (left_masked_i || top_masked_i) ? MinusInfinity : 32'd0;
      Subtract: factor_a = MinusOneOperand;
      Exp: begin
        if (ctrl_i.step == '0) begin
          split = fp_pkg::exp2_split(Format, exponent_q);
          power_d = split[41:32];
          fraction_d = Bits'(split[31:0]);
          factor_a = fp_pkg::narrow(Format, fp_pkg::exp2_coefficient(Degree, Degree));
        end else begin
          factor_a = fp_pkg::narrow(Format, exponent_q);
        end
        factor_b = 32'(fraction_d);
        addend = fp_pkg::exp2_coefficient(Degree, Degree - 4'd1 - ctrl_i.step);
      end
      Sum: begin
        factor_a = register_a;
        factor_b = OneOperand;
        addend = top_i;
      end
      Weighted: begin
        factor_b = register_a;
        addend = top_i;
      end
      Scale: begin
        factor_a = register_a;
        addend = 32'd0;
      end
      default: ;
    endcase
  end

  // Results.
  always_comb begin
    result = 32'd0;
    if (ctrl_i.op != Nop2d && ctrl_i.op != Max) begin
      result = fp_pkg::fma(Format, factor_a, factor_b, addend);
    end
    write_en = 1'b0;
    write = result;
    exponent_d = exponent_q;
    down_d = top_i;
    unique case (ctrl_i.op)
      Mac: write_en = 1'b1;
      Max: down_d = fp_pkg::maximum(Format, top_i, register_a);
      // A masked key has no weight, even where all keys so far are masked.
      Subtract: exponent_d = (register_a == MinusInfinity) ? MinusInfinity : result;
      Exp: begin
        exponent_d = result;
        write_en = last_step;
        if (last_step) write = fp_pkg::narrow(Format, fp_pkg::scale(result, power_d));
      end
      Sum, Weighted: down_d = result;
      Scale: begin
        write_en = 1'b1;
        write = fp_pkg::narrow(Format, result);
      end
      default: ;
    endcase
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
    exponent_q <= exponent_d;
    fraction_q <= fraction_d;
    power_q <= power_d;
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
  RegistersExist_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
    ctrl_i.op == Nop2d || (32'(ctrl_i.a) < RfDepth && 32'(ctrl_i.d) < RfDepth))
    else $error("register %0d or %0d of %0d", ctrl_i.a, ctrl_i.d, RfDepth);
  StepExists_A : assert property (@(posedge clk_i) disable iff (!rst_ni)
    ctrl_i.op != Exp || ctrl_i.step < Degree)
    else $error("step %0d of an exponential of degree %0d", ctrl_i.step, ExpDegree);
`endif

endmodule
