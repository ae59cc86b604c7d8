// Left edge of the 2D array: control and addresses go down a row a cycle, words come out skewed.
//
// Row r gets what entered r cycles before, with the word of its own bank: the register behind the
// bank is the skew register. It does not stall, and holds nothing but what is on its way.

module row_network
  import array_pkg::*;
#(
  parameter int unsigned Rows = 4
) (
  input  logic                           clk_i,
  input  logic                           rst_ni,
  input  pe_ctrl_t                       ctrl_i,
  input  logic [AddrWidth-1:0]           addr_i,
  output pe_ctrl_t [Rows-1:0]            ctrl_o,
  output logic [Rows-1:0][AddrWidth-1:0] read_addr_o
);

  pe_ctrl_t [Rows-1:0] ctrl_q;
  logic [Rows-2:0][AddrWidth-1:0] addr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ctrl_q <= '0;
    else ctrl_q <= {ctrl_q[Rows-2:0], ctrl_i};
  end

  always_ff @(posedge clk_i) addr_q <= ((Rows - 1) * AddrWidth)'({addr_q, addr_i});

  assign ctrl_o = ctrl_q;
  assign read_addr_o = {addr_q, addr_i};

endmodule
