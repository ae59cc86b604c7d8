// Top edge of the 2D array: what enters each column, a column a cycle later than its neighbour.
//
// A column gets a query word of its bank, a register of its lane, a coefficient of the polynomial for
// 2**x, zero (for a sum) or minus infinity (for a maximum). It does not stall, and does not round.

module column_network
  import array_pkg::*;
#(
  parameter logic [2:0]  Format = fp_pkg::Bf16,
  parameter int unsigned Columns = 4,
  parameter int unsigned ExpDegree = 6,
  localparam int unsigned Bits = fp_pkg::operand_bits(Format)
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,
  input  column_ctrl_t                      ctrl_i,
  output logic [Columns-1:0][AddrWidth-1:0] read_addr_o,
  input  logic [Columns-1:0][Bits:0]        query_i,      // bit `Bits`: masked
  output logic [Columns-1:0][RegWidth-1:0]  lane_addr_o,
  input  logic [Columns-1:0][31:0]          lane_i,
  output logic [Columns-1:0][31:0]          top_o,
  output logic [Columns-1:0]                masked_o
);

  column_ctrl_t [Columns-1:0] ctrl_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ctrl_q <= '0;
    else ctrl_q <= {ctrl_q[Columns-2:0], ctrl_i};
  end

  for (genvar column = 0; column < Columns; column++) begin : g_column
    if (column == 0) begin : g_first
      assign read_addr_o[column] = ctrl_i.addr;
    end else begin : g_later
      assign read_addr_o[column] = ctrl_q[column-1].addr;
    end
    assign lane_addr_o[column] =
      (ctrl_q[column].select == TopLane) ? ctrl_q[column].addr[RegWidth-1:0] : '0;
    always_comb begin
      masked_o[column] = 1'b0;
      unique case (ctrl_q[column].select)
        TopMinusInfinity: top_o[column] = MinusInfinity;
        TopQuery: begin
          top_o[column] = 32'(query_i[column][Bits-1:0]);
          masked_o[column] = query_i[column][Bits];
        end
        TopCoefficient: begin
          top_o[column] = fp_pkg::exp2_coefficient(4'(ExpDegree), ctrl_q[column].addr[3:0]);
        end
        TopLane: top_o[column] = lane_i[column];
        default: top_o[column] = 32'd0;
      endcase
    end
  end

endmodule
