// What a reciprocal needs besides the MAC: the significand before it, sign and exponent after it.
// For synthesis alone, to know its area.

module reciprocal_parts #(
  parameter logic [2:0] Format = fp_pkg::Bf16,
  localparam int unsigned Bits = fp_pkg::operand_bits(Format)
) (
  input  logic [Bits-1:0] operand_i,
  input  logic [31:0]     inverse_i,
  output logic [Bits-1:0] significand_o,
  output logic [31:0]     result_o
);

  assign significand_o = Bits'(fp_pkg::reciprocal_significand(Format, 32'(operand_i)));
  assign result_o = fp_pkg::reciprocal_result(Format, 32'(operand_i), inverse_i);

endmodule
