// 2**value as a sequence of multiply-accumulates on the processing element's own MAC.
//
// value = power + fraction; 2**fraction is a polynomial of `ExpDegree` by Horner's rule, one
// coefficient a cycle, and the power is added to the exponent. A start in cycle 0 gives a result
// in cycle `ExpDegree`, in which the next may start: `valid_o` is high for that one cycle.
//
// The natural exponential costs a multiplication by log2(e) before: fold it into what the value
// is computed from. With `NaturalBase` the MAC does it here, in one more cycle; the product has
// to be exact to 2**-24, so that only fp32 can.

module pe_exp #(
  parameter logic [2:0]  Format = fp_pkg::Bf16,
  parameter int unsigned ExpDegree = 3,
  parameter bit          NaturalBase = 1'b0
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        start_i,
  input  logic [31:0] value_i,
  output logic        ready_o,
  output logic        valid_o,
  output logic [31:0] result_o
);

  localparam int unsigned Bits = fp_pkg::operand_bits(Format);
  localparam logic [2:0] Degree = 3'(ExpDegree);
  localparam logic [2:0] First = NaturalBase ? 3'd1 : 3'd0;  // the step that splits the value
  localparam logic [2:0] Last = First + Degree - 3'd1;
  localparam logic [31:0] Leading = fp_pkg::exp2_coefficient({1'b0, Degree}, {1'b0, Degree});
  localparam logic [31:0] Log2E = 32'h3fb8_aa3b;

  logic [2:0] step_d, step_q;
  logic valid_d, valid_q;
  logic [9:0] power_d, power_q;
  logic [Bits-1:0] fraction_d, fraction_q;
  logic enable;
  logic [31:0] acc, addend;
  logic [Bits-1:0] factor, a, b;
  logic [41:0] split;

  assign enable = start_i || step_q != 3'd0;
  assign ready_o = step_q == 3'd0;
  assign valid_o = valid_q;
  assign result_o = fp_pkg::scale(acc, power_q);

  // The step's operands.
  assign split = fp_pkg::exp2_split(Format, NaturalBase ? acc : value_i);
  assign factor = Bits'(fp_pkg::narrow(Format, (step_q == First) ? Leading : acc));
  always_comb begin
    a = factor;
    b = fraction_d;
    addend = fp_pkg::exp2_coefficient({1'b0, Degree}, {1'b0, Last - step_q});
    if (NaturalBase && step_q == 3'd0) begin
      a = Bits'(fp_pkg::narrow(Format, value_i));
      b = Bits'(fp_pkg::narrow(Format, Log2E));
      addend = 32'd0;
    end
  end

  always_comb begin
    step_d = step_q;
    valid_d = 1'b0;
    power_d = power_q;
    fraction_d = fraction_q;
    if (enable) begin
      step_d = (step_q == Last) ? 3'd0 : step_q + 3'd1;
      valid_d = step_q == Last;
      if (step_q == First) begin
        power_d = split[41:32];
        fraction_d = Bits'(split[31:0]);
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      step_q <= 3'd0;
      valid_q <= 1'b0;
      power_q <= 10'd0;
      fraction_q <= '0;
    end else begin
      step_q <= step_d;
      valid_q <= valid_d;
      power_q <= power_d;
      fraction_q <= fraction_d;
    end
  end

  pe_mac #(
    .Format(Format)
  ) u_mac (
    .clk_i,
    .rst_ni,
    .en_i    (enable),
    .a_i     (a),
    .b_i     (b),
    .addend_i(addend),
    .acc_o   (acc)
  );

`ifndef SYNTHESIS
  initial begin
    assert (ExpDegree >= 2 && ExpDegree <= 6) else $fatal(1, "ExpDegree is 2 to 6");
    assert (Format != fp_pkg::Int8) else $fatal(1, "an exponential needs a fraction");
    assert (!NaturalBase || Format == fp_pkg::Fp32) else $fatal(1, "NaturalBase needs fp32");
  end
  StartWhenReady_A : assert property (@(posedge clk_i) disable iff (!rst_ni) start_i |-> ready_o)
    else $error("started while the last exponential is still under way");
`endif

endmodule
