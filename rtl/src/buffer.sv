// Memory of `Banks` banks, each with one read and one write port, read a cycle after its address.
//
// A word that is written while it is read is read as written. Benches fill and read `words` by the
// back door: bank b begins at word b * Depth. It models no DRAM behind it, no refill and no
// conflict: everything a run needs is there. It is not reset.

module buffer
  import array_pkg::*;
#(
  parameter int unsigned Banks = 4,
  parameter int unsigned Depth = 1024,
  parameter int unsigned Width = 32
) (
  input  logic                             clk_i,
  input  logic [Banks-1:0][AddrWidth-1:0]  read_addr_i,
  output logic [Banks-1:0][Width-1:0]      read_o,
  input  logic [Banks-1:0]                 write_en_i,
  input  logic [Banks-1:0][AddrWidth-1:0]  write_addr_i,
  input  logic [Banks-1:0][Width-1:0]      write_i
);

  localparam int unsigned Index = $clog2(Depth);

  logic [Width-1:0] words[Banks*Depth];

  for (genvar bank = 0; bank < Banks; bank++) begin : g_bank
    logic [Width-1:0] read_q;
    always_ff @(posedge clk_i) begin
      if (write_en_i[bank]) begin
        words[bank*Depth+32'(write_addr_i[bank][Index-1:0])] <= write_i[bank];
      end
      if (write_en_i[bank] && write_addr_i[bank] == read_addr_i[bank]) begin
        read_q <= write_i[bank];
      end else begin
        read_q <= words[bank*Depth+32'(read_addr_i[bank][Index-1:0])];
      end
    end
    assign read_o[bank] = read_q;
  end

endmodule
