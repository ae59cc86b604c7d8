// Datapath of a 2D PE: what one slot makes of the operands, as a task that holds no state.
//
// It is a package of its own so that a simulation has one piece of code for all PEs, which stays in
// the cache. `format` and `degree` are constants wherever it is called.

package pe_2d_pkg;

  import array_pkg::*;

  // An exponential under way: what a PE keeps from slot to slot besides its register file.
  typedef struct packed {
    logic [31:0] exponent;  // the argument, then the sum so far
    logic [9:0]  power;
    logic [31:0] fraction;  // an operand
  } exponential_t;

  // One in a format, and minus one with the sign: what fp_pkg::narrow gives.
  function automatic logic [31:0] one(fp_pkg::format_t format, logic negative);
    case (format)
      fp_pkg::Fp32: one = {negative, fp_pkg::One[30:0]};
      fp_pkg::Bf16: one = {16'd0, negative, 15'h3f80};
      fp_pkg::E5m2: one = {24'd0, negative, 7'h3c};
      fp_pkg::E4m3: one = {24'd0, negative, 7'h38};
      default: one = {16'd0, negative, 15'h3c00};
    endcase
  endfunction

  task automatic execute(
    input  fp_pkg::format_t format,
    input  logic [3:0]      degree,
    input  op_2d_e          op,
    input  logic [3:0]      step,
    input  logic            first,
    input  logic [31:0]     left,
    input  logic            masked,
    input  logic [31:0]     top,
    input  logic [31:0]     register_a,
    input  exponential_t    past,
    output exponential_t    after,
    output logic [31:0]     down,
    output logic            write_enable,
    output logic [31:0]     result
  );
    /*verilator no_inline_task*/
    logic [31:0] factor_a, factor_b, addend;
    logic [41:0] split;
    factor_a = left;
    factor_b = top;
    addend = register_a;
    after = past;
    down = top;
    write_enable = 1'b0;
    // Operands of the multiply-add.
    unique case (op)
      Mac: if (first) addend = masked ? MinusInfinity : 32'd0;
      Subtract: factor_a = one(format, 1'b1);
      Exp: begin
        if (step == '0) begin
          split = fp_pkg::exp2_split(format, past.exponent);
          after.power = split[41:32];
          after.fraction = split[31:0];
          factor_a = fp_pkg::narrow(format, fp_pkg::exp2_coefficient(degree, degree));
        end else begin
          factor_a = fp_pkg::narrow(format, past.exponent);
        end
        factor_b = after.fraction;
        addend = top;
      end
      Sum: begin
        factor_a = register_a;
        factor_b = one(format, 1'b0);
        addend = top;
      end
      Weighted: begin
        factor_b = register_a;
        addend = top;
      end
      Scale: begin
        factor_a = register_a;
        addend = 32'd0;
      end
      default: ;
    endcase
    result = 32'd0;
    if (op != Nop2d && op != Max) begin
      result = fp_pkg::fma(format, factor_a, factor_b, addend);
    end
    // Where the result goes.
    unique case (op)
      Mac: write_enable = 1'b1;
      Max: down = fp_pkg::maximum(format, top, register_a);
      // A masked key has no weight, even where all keys so far are masked.
      Subtract: after.exponent = (register_a == MinusInfinity) ? MinusInfinity : result;
      Exp: begin
        after.exponent = result;
        if (step == degree - 4'd1) begin
          write_enable = 1'b1;
          result = fp_pkg::narrow(format, fp_pkg::scale(result, after.power));
        end
      end
      Sum, Weighted: down = result;
      Scale: begin
        write_enable = 1'b1;
        result = fp_pkg::narrow(format, result);
      end
      default: ;
    endcase
  endtask

endpackage
