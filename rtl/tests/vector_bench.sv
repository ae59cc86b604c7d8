// Runs vectors from memories through `Lanes` instances of every leaf module and package function.
//
// A high `load_i` fills the memories from `folder`/{a,b,c}.hex (plusarg `folder`), `start_i` runs
// `count_i` vectors, `done_o` says that `folder`/result.hex is written. Python wakes once a batch.

module vector_bench #(
  parameter logic [2:0]  Format = fp_pkg::Bf16,
  parameter int unsigned ExpDegree = 3,
  parameter bit          NaturalBase = 1'b0,
  parameter int unsigned Depth = 65536,
  parameter int unsigned Lanes = 4
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        load_i,
  input  logic        start_i,
  input  logic [31:0] count_i,
  input  logic [3:0]  operation_i,
  output logic        done_o
);

  // The numbers of rtl.tests.leaf_model.Operation.
  localparam logic [3:0] Mac = 4'd0, Max = 4'd1, Exp = 4'd2, Narrow = 4'd3, Split = 4'd4;
  localparam logic [3:0] Scale = 4'd5, Significand = 4'd6, Quotient = 4'd7;
  localparam logic [3:0] Widen = 4'd8;
  localparam int unsigned Bits = fp_pkg::operand_bits(Format);
  localparam int unsigned Width = $clog2(Depth);

  logic [31:0] memory_a[Depth];
  logic [31:0] memory_b[Depth];
  logic [31:0] memory_c[Depth];
  logic [63:0] memory_result[Depth];

  string folder;
  initial begin
    if ($value$plusargs("folder=%s", folder) == 0) $fatal(1, "no +folder=...");
  end

  logic [31:0] read_q, written_q;
  logic busy_q, done_q, issue, issued_q, written;
  logic [Lanes-1:0] ready, valid;
  logic [63:0] result[Lanes];

  assign issue = busy_q && ready[0] && read_q < count_i;
  assign written = (operation_i == Exp) ? valid[0] : issued_q;
  assign done_o = done_q;

  for (genvar lane = 0; lane < Lanes; lane++) begin : gen_lanes
    logic [31:0] a, b, c;
    logic [Width-1:0] address;
    assign address = Width'(read_q) + Width'(lane);
    assign a = memory_a[address];
    assign b = memory_b[address];
    assign c = memory_c[address];

    logic [31:0] acc, largest, power;
    logic [63:0] made_q;

    pe_mac #(
      .Format(Format)
    ) u_mac (
      .clk_i,
      .rst_ni,
      .en_i    (issue && operation_i == Mac),
      .a_i     (Bits'(a)),
      .b_i     (Bits'(b)),
      .addend_i(c),
      .acc_o   (acc)
    );

    pe_max #(
      .Format(Format)
    ) u_max (
      .clk_i,
      .rst_ni,
      .en_i (issue && operation_i == Max),
      .a_i  (a),
      .b_i  (b),
      .max_o(largest)
    );

    if (Format != fp_pkg::Int8) begin : gen_exp
      pe_exp #(
        .Format     (Format),
        .ExpDegree  (ExpDegree),
        .NaturalBase(NaturalBase)
      ) u_exp (
        .clk_i,
        .rst_ni,
        .start_i (issue && operation_i == Exp),
        .value_i (a),
        .ready_o (ready[lane]),
        .valid_o (valid[lane]),
        .result_o(power)
      );
    end else begin : gen_no_exp
      assign ready[lane] = 1'b1;
      assign valid[lane] = 1'b0;
      assign power = 32'd0;
    end

    always_ff @(posedge clk_i) begin
      case (operation_i)
        Narrow: made_q <= {32'd0, fp_pkg::narrow(Format, a)};
        Split: made_q <= {22'd0, fp_pkg::exp2_split(Format, a)};
        Scale: made_q <= {32'd0, fp_pkg::scale(a, b[9:0])};
        Significand: made_q <= {32'd0, fp_pkg::reciprocal_significand(Format, a)};
        Quotient: made_q <= {32'd0, fp_pkg::reciprocal_result(Format, a, b)};
        Widen: made_q <= {32'd0, fp_pkg::widen(Format, a)};
        default: made_q <= 64'd0;
      endcase
    end

    always_comb begin
      case (operation_i)
        Mac: result[lane] = {32'd0, acc};
        Max: result[lane] = {32'd0, largest};
        Exp: result[lane] = {32'd0, power};
        default: result[lane] = made_q;
      endcase
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      done_q <= 1'b0;
      issued_q <= 1'b0;
      read_q <= 32'd0;
      written_q <= 32'd0;
    end else begin
      if (load_i) begin
        $readmemh({folder, "/a.hex"}, memory_a);
        $readmemh({folder, "/b.hex"}, memory_b);
        $readmemh({folder, "/c.hex"}, memory_c);
      end
      issued_q <= issue;
      if (start_i) begin
        busy_q <= 1'b1;
        done_q <= 1'b0;
        read_q <= 32'd0;
        written_q <= 32'd0;
      end
      if (issue) read_q <= read_q + Lanes;
      if (written) begin
        for (int unsigned lane = 0; lane < Lanes; lane++) begin
          memory_result[Width'(written_q) + Width'(lane)] <= result[lane];
        end
        written_q <= written_q + Lanes;
      end
      if (busy_q && written_q >= count_i) begin
        $writememh({folder, "/result.hex"}, memory_result);
        busy_q <= 1'b0;
        done_q <= 1'b1;
      end
    end
  end

endmodule
