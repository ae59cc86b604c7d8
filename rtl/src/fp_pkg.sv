// Arithmetic of the processing elements, as pure functions on raw bits.
//
// A PE multiplies two values of its operand format and adds an accumulator: fp32 for every
// floating-point format, int32 for int8. The rules, the same as in einsum/arithmetic.py:
//   - one rounding per operation, to nearest, ties to even;
//   - denormals are zero, of the same sign, on input and output; what rounds up to the smallest
//     normal number is that number;
//   - a NaN is the canonical one (positive, quiet, no payload);
//   - a format without infinity (e4m3) saturates; int32 wraps, int8 saturates.
//
// An operand is right-aligned in 32 bits, and bits above it are ignored. A format is always a
// constant where these functions are called, so that synthesis sees only one format's hardware.
// There is no signalling, no exception flag and no other rounding mode.

package fp_pkg;

  typedef logic [2:0] format_t;
  localparam format_t Fp32 = 3'd0;
  localparam format_t Bf16 = 3'd1;
  localparam format_t Fp16 = 3'd2;
  localparam format_t E5m2 = 3'd3;
  localparam format_t E4m3 = 3'd4;  // OCP: no infinity, NaN is all ones
  localparam format_t Int8 = 3'd5;

  localparam logic [31:0] NaN = 32'h7fc0_0000;
  localparam logic [31:0] Infinity = 32'h7f80_0000;
  localparam logic [31:0] One = 32'h3f80_0000;

  // Bits of an operand.
  function automatic int unsigned operand_bits(format_t format);
    case (format)
      Fp32: operand_bits = 32;
      Bf16, Fp16: operand_bits = 16;
      default: operand_bits = 8;
    endcase
  endfunction

  // Bits of a significand, the hidden one included.
  function automatic int unsigned precision(format_t format);
    case (format)
      Fp32: precision = 24;
      Bf16: precision = 8;
      Fp16: precision = 11;
      E5m2: precision = 3;
      default: precision = 4;
    endcase
  endfunction

  // Steps of a reciprocal on the MAC: a linear seed, then two for every Newton iteration.
  function automatic int unsigned reciprocal_steps(format_t format);
    case (format)
      Fp32: reciprocal_steps = 7;
      Bf16, Fp16: reciprocal_steps = 5;
      default: reciprocal_steps = 3;
    endcase
  endfunction

  // An fp32 value as the functions below see it: denormals are zero, a NaN is `NaN`.
  function automatic logic [31:0] canonical(logic [31:0] value);
    if (value[30:23] == 8'd0) canonical = {value[31], 31'd0};
    else if (value[30:23] == 8'hff && value[22:0] != 23'd0) canonical = NaN;
    else canonical = value;
  endfunction

  // An operand as an accumulator; exact.
  function automatic logic [31:0] widen(format_t format, logic [31:0] operand);
    logic [7:0] exponent;
    case (format)
      Fp32: widen = canonical(operand);
      Bf16: widen = canonical({operand[15:0], 16'd0});
      Fp16: begin
        exponent = {3'd0, operand[14:10]} + 8'd112;  // the biases: 127 - 15
        if (operand[14:10] == 5'd0) widen = {operand[15], 31'd0};
        else if (operand[14:10] != 5'd31) widen = {operand[15], exponent, operand[9:0], 13'd0};
        else widen = canonical({operand[15], 8'hff, operand[9:0], 13'd0});
      end
      E5m2: begin
        exponent = {3'd0, operand[6:2]} + 8'd112;
        if (operand[6:2] == 5'd0) widen = {operand[7], 31'd0};
        else if (operand[6:2] != 5'd31) widen = {operand[7], exponent, operand[1:0], 21'd0};
        else widen = canonical({operand[7], 8'hff, operand[1:0], 21'd0});
      end
      E4m3: begin
        exponent = {4'd0, operand[6:3]} + 8'd120;  // 127 - 7
        if (operand[6:3] == 4'd0) widen = {operand[7], 31'd0};
        else if (operand[6:0] == 7'h7f) widen = NaN;
        else widen = {operand[7], exponent, operand[2:0], 20'd0};
      end
      default: widen = {{24{operand[7]}}, operand[7:0]};
    endcase
  endfunction

  // An accumulator rounded to an operand.
  function automatic logic [31:0] narrow(format_t format, logic [31:0] value);
    /*verilator no_inline_task*/
    logic [31:0] from;
    logic [30:13] rounded;  // as fp32, with the mantissa of the format
    logic [7:0] exponent;
    logic special, up;
    from = canonical(value);
    special = from[30:23] == 8'hff;
    case (format)
      Bf16: begin
        up = from[15] && (from[16] || from[14:0] != 15'd0);
        rounded = {from[30:16] + {14'd0, up}, 3'd0};
      end
      Fp16: begin
        up = from[12] && (from[13] || from[11:0] != 12'd0);
        rounded = from[30:13] + {17'd0, up};
      end
      E5m2: begin
        up = from[20] && (from[21] || from[19:0] != 20'd0);
        rounded = {from[30:21] + {9'd0, up}, 8'd0};
      end
      default: begin
        up = from[19] && (from[20] || from[18:0] != 19'd0);
        rounded = {from[30:20] + {10'd0, up}, 7'd0};
      end
    endcase
    exponent = rounded[30:23];
    case (format)
      Fp32: narrow = from;
      Bf16: narrow = {16'd0, from[31], special ? from[30:16] : rounded[30:16]};
      Fp16: begin
        exponent = exponent - 8'd112;
        if (special) narrow = {16'd0, from[31], 5'd31, from[22], 9'd0};
        else if (rounded[30:23] < 8'd113) narrow = {16'd0, from[31], 15'd0};
        else if (rounded[30:23] > 8'd142) narrow = {16'd0, from[31], 5'd31, 10'd0};
        else narrow = {16'd0, from[31], exponent[4:0], rounded[22:13]};
      end
      E5m2: begin
        exponent = exponent - 8'd112;
        if (special) narrow = {24'd0, from[31], 5'd31, from[22], 1'd0};
        else if (rounded[30:23] < 8'd113) narrow = {24'd0, from[31], 7'd0};
        else if (rounded[30:23] > 8'd142) narrow = {24'd0, from[31], 5'd31, 2'd0};
        else narrow = {24'd0, from[31], exponent[4:0], rounded[22:21]};
      end
      E4m3: begin
        exponent = exponent - 8'd120;
        if (special && from[22]) narrow = {24'd0, 8'h7f};
        else if (rounded[30:23] < 8'd121) narrow = {24'd0, from[31], 7'd0};
        else if (rounded[30:20] > 11'h43e) narrow = {24'd0, from[31], 7'h7e};  // 448
        else narrow = {24'd0, from[31], exponent[3:0], rounded[22:20]};
      end
      default: begin  // int8
        if ($signed(value) > 32'sd127) narrow = {24'd0, 8'h7f};
        else if ($signed(value) < -32'sd128) narrow = {24'd0, 8'h80};
        else narrow = {24'd0, value[7:0]};
      end
    endcase
  endfunction

  // `significand` shifted right by `distance`; what falls below bit `lowest` is kept as a one
  // there ("jamming"), which rounds as the exact value does.
  function automatic logic [51:0] shift_right(logic [51:0] significand, logic [9:0] distance,
                                              logic [5:0] lowest);
    logic [51:0] kept, lost;
    logic [9:0] first;
    first = distance + {4'd0, lowest};
    kept = (distance > 10'd51) ? 52'd0 : (significand >> distance[5:0]);
    lost = (first > 10'd51) ? significand : (significand & ~({52{1'b1}} << first[5:0]));
    kept = kept & ({52{1'b1}} << lowest);
    shift_right = kept | ({51'd0, lost != 52'd0} << lowest);
  endfunction

  // a * b + c with one rounding. `a` and `b` are operands, `c` and the result accumulators.
  //
  // Both addends stand in a frame of 52 bits; bit 49 has the weight of the larger exponent. What
  // is shifted out is jammed: with it, the frame needs the product's bits and 8 more than the
  // result's, so that narrow formats use its upper 32 bits only.
  function automatic logic [31:0] fma(format_t format, logic [31:0] a, logic [31:0] b,
                                      logic [31:0] c);
    /*verilator no_inline_task*/
    logic [31:0] x, y, z;
    logic product_sign, product_zero, sign, up;
    logic signed [9:0] product_exponent, addend_exponent, exponent;
    logic [9:0] distance;
    logic [47:0] product;
    logic signed [15:0] integers;
    logic [51:0] left, right, larger, smaller, magnitude;
    logic [52:0] difference;
    logic [5:0] lowest;
    logic [23:0] mantissa;  // after its carry
    x = widen(format, a);
    y = widen(format, b);
    z = canonical(c);
    product_sign = x[31] ^ y[31];
    product_zero = x[30:23] == 8'd0 || y[30:23] == 8'd0;
    if (format == Int8) begin
      integers = $signed(a[7:0]) * $signed(b[7:0]);
      fma = {{16{integers[15]}}, integers} + c;
    end else if (x == NaN || y == NaN || z == NaN) begin
      fma = NaN;
    end else if (x[30:23] == 8'hff || y[30:23] == 8'hff) begin
      // Infinity times zero, and the difference of infinities, are no numbers.
      if (product_zero || (z[30:23] == 8'hff && z[31] != product_sign)) fma = NaN;
      else fma = {product_sign, Infinity[30:0]};
    end else if (z[30:23] == 8'hff) begin
      fma = z;
    end else if (product_zero) begin
      fma = (z[30:23] == 8'd0) ? {product_sign & z[31], 31'd0} : z;
    end else begin
      lowest = (format == Fp32) ? 6'd0 : 6'd20;
      product = {24'd0, 1'b1, x[22:0]} * {24'd0, 1'b1, y[22:0]};
      product_exponent = $signed({2'd0, x[30:23]}) + $signed({2'd0, y[30:23]}) - 10'sd127;
      addend_exponent = (z[30:23] == 8'd0) ? product_exponent : $signed({2'd0, z[30:23]});
      left = {1'b0, product, 3'd0};
      right = {2'd0, z[30:23] != 8'd0, (z[30:23] != 8'd0) ? z[22:0] : 23'd0, 26'd0};
      if (product_exponent < addend_exponent) begin
        exponent = addend_exponent;
        distance = addend_exponent - product_exponent;
        sign = z[31];
        larger = right;
        smaller = left;
      end else begin
        exponent = product_exponent;
        distance = product_exponent - addend_exponent;
        sign = product_sign;
        larger = left;
        smaller = right;
      end
      smaller = shift_right(smaller, distance, lowest);
      if (product_sign == z[31]) difference = {1'b0, larger} + {1'b0, smaller};
      else difference = {1'b0, larger} - {1'b0, smaller};
      // A sum is below 2**52, so bit 52 is the sign of a difference.
      sign = sign ^ difference[52];
      magnitude = difference[52] ? (~difference[51:0] + 52'd1) : difference[51:0];
      // Normalized to bit 51.
      exponent = exponent + 10'sd2;
      if (magnitude[51:20] == 32'd0) begin
        magnitude = {magnitude[19:0], 32'd0};
        exponent = exponent - 10'sd32;
      end
      if (magnitude[51:36] == 16'd0) begin
        magnitude = {magnitude[35:0], 16'd0};
        exponent = exponent - 10'sd16;
      end
      if (magnitude[51:44] == 8'd0) begin
        magnitude = {magnitude[43:0], 8'd0};
        exponent = exponent - 10'sd8;
      end
      if (magnitude[51:48] == 4'd0) begin
        magnitude = {magnitude[47:0], 4'd0};
        exponent = exponent - 10'sd4;
      end
      if (magnitude[51:50] == 2'd0) begin
        magnitude = {magnitude[49:0], 2'd0};
        exponent = exponent - 10'sd2;
      end
      if (!magnitude[51]) begin
        magnitude = {magnitude[50:0], 1'b0};
        exponent = exponent - 10'sd1;
      end
      up = magnitude[27] && (magnitude[28] || magnitude[26:0] != 27'd0);
      mantissa = {1'b0, magnitude[50:28]} + {23'd0, up};
      if (mantissa[23]) exponent = exponent + 10'sd1;
      if (difference == 53'd0) fma = 32'd0;
      else if (exponent <= 10'sd0) fma = {sign, 31'd0};
      else if (exponent >= 10'sd255) fma = {sign, Infinity[30:0]};
      else fma = {sign, exponent[7:0], mantissa[22:0]};
    end
  endfunction

  // The larger accumulator; NaN if either is one, and +0 is larger than -0 (IEEE 754-2019,
  // `maximum`). The canonical NaN has the largest bits, so that it needs no case of its own.
  function automatic logic [31:0] maximum(format_t format, logic [31:0] a, logic [31:0] b);
    /*verilator no_inline_task*/
    logic [31:0] x, y;
    logic greater;
    x = (format == Int8) ? a : canonical(a);
    y = (format == Int8) ? b : canonical(b);
    if (x[31] != y[31]) greater = y[31];
    else greater = (x[30:0] > y[30:0]) != (x[31] && format != Int8);
    maximum = greater ? x : y;
  endfunction

  // value * 2**power, for fp32; what leaves the range is infinity or zero.
  function automatic logic [31:0] scale(logic [31:0] value, logic signed [9:0] power);
    /*verilator no_inline_task*/
    logic [31:0] from;
    logic signed [10:0] exponent;
    from = canonical(value);
    exponent = $signed({3'd0, from[30:23]}) + $signed({power[9], power});
    if (from[30:23] == 8'd0 || from[30:23] == 8'hff) scale = from;
    else if (exponent <= 11'sd0) scale = {from[31], 31'd0};
    else if (exponent >= 11'sd255) scale = {from[31], Infinity[30:0]};
    else scale = {from[31], exponent[7:0], from[22:0]};
  endfunction

  // An fp32 value below 256 in magnitude, in two's complement with 24 binary digits after the
  // point, rounded (half up) to `digits` of them; 24 digits are rounded down.
  function automatic logic [33:0] fixed_point(logic [4:0] digits, logic [31:0] value);
    logic [31:0] from;
    logic [33:0] fixed, half, significand;
    logic [7:0] place;
    from = canonical(value);
    significand = {10'd0, 1'b1, from[22:0]};  // weight 2**-23 at exponent 127: one place short
    half = 34'd1 << (5'd24 - digits);
    half = {1'b0, half[33:1]};
    if (from[30:23] == 8'd0) begin
      fixed = 34'd0;
    end else if (from[30:23] >= 8'd126) begin
      place = from[30:23] - 8'd126;
      fixed = significand << place[3:0];
    end else begin
      place = 8'd126 - from[30:23];
      fixed = (place > 8'd25) ? 34'd0 : (significand >> place[4:0]);
      // Digits that are lost make a negative value smaller; one is enough to break a tie down.
      if (from[31] && place <= 8'd25 && (fixed << place[4:0]) != significand) fixed = fixed + 34'd1;
      if (from[31] && place > 8'd25) fixed = 34'd1;
    end
    if (from[31]) fixed = ~fixed + 34'd1;
    fixed_point = (fixed + half) & ~(34'h0_00ff_ffff >> digits);
  endfunction

  // value = power + fraction with 0 <= fraction < 1, for 2**value = scale(2**fraction, power).
  //
  // Returns {power, fraction}; the fraction is an operand of as many binary digits as the
  // format has precision, to which the fp32 `value` is rounded. Beyond +-256 the power
  // saturates, so that `scale` gives infinity or zero. A NaN has the fraction NaN.
  function automatic logic [41:0] exp2_split(format_t format, logic [31:0] value);
    /*verilator no_inline_task*/
    logic [31:0] from;
    logic [33:0] fixed;
    from = canonical(value);
    fixed = fixed_point(5'(precision(format)), value);
    if (from == NaN) exp2_split = {10'd0, narrow(format, NaN)};
    else if (from[30:23] >= 8'd135) exp2_split = {from[31], {9{!from[31]}}, 32'd0};
    else exp2_split = {fixed[33:24], narrow(format, from_digits(fixed[23:0]))};
  endfunction

  // The fp32 value of 24 binary digits after the point; exact.
  function automatic logic [31:0] from_digits(logic [23:0] digits);
    logic [23:0] normal;
    logic [7:0] exponent;
    normal = digits;
    exponent = 8'd126;
    if (normal[23:8] == 16'd0) begin
      normal = {normal[7:0], 16'd0};
      exponent = exponent - 8'd16;
    end
    if (normal[23:16] == 8'd0) begin
      normal = {normal[15:0], 8'd0};
      exponent = exponent - 8'd8;
    end
    if (normal[23:20] == 4'd0) begin
      normal = {normal[19:0], 4'd0};
      exponent = exponent - 8'd4;
    end
    if (normal[23:22] == 2'd0) begin
      normal = {normal[21:0], 2'd0};
      exponent = exponent - 8'd2;
    end
    if (!normal[23]) begin
      normal = {normal[22:0], 1'b0};
      exponent = exponent - 8'd1;
    end
    from_digits = (digits == 24'd0) ? 32'd0 : {1'b0, exponent, normal[22:0]};
  endfunction

  // Coefficient `index` of the minimax polynomial of `degree` 2 to 6 for 2**x over [0, 1), in fp32.
  // The relative error is the least there is among polynomials with p(0) = 1.
  function automatic logic [31:0] exp2_coefficient(logic [3:0] degree, logic [3:0] index);
    case ({degree, index})
      8'h21: exp2_coefficient = 32'h3f2a7c6b;
      8'h22: exp2_coefficient = 32'h3ea8ece6;
      8'h31: exp2_coefficient = 32'h3f31f32c;
      8'h32: exp2_coefficient = 32'h3e691bc5;
      8'h33: exp2_coefficient = 32'h3d9dd553;
      8'h41: exp2_coefficient = 32'h3f316b63;
      8'h42: exp2_coefficient = 32'h3e771228;
      8'h43: exp2_coefficient = 32'h3d55fc34;
      8'h44: exp2_coefficient = 32'h3c5bfb98;
      8'h51: exp2_coefficient = 32'h3f31725d;
      8'h52: exp2_coefficient = 32'h3e75edab;
      8'h53: exp2_coefficient = 32'h3d648e73;
      8'h54: exp2_coefficient = 32'h3c13bc2b;
      8'h55: exp2_coefficient = 32'h3af4ba7d;
      8'h61: exp2_coefficient = 32'h3f317216;
      8'h62: exp2_coefficient = 32'h3e75feac;
      8'h63: exp2_coefficient = 32'h3d634489;
      8'h64: exp2_coefficient = 32'h3c1e85c9;
      8'h65: exp2_coefficient = 32'h3aa36b27;
      8'h66: exp2_coefficient = 32'h3962a0ba;
      default: exp2_coefficient = One;
    endcase
  endfunction

  // 1 / operand on the MAC, part 1: the significand of the operand, 1 <= m < 2, as an operand.
  // With -8/17 * m + 24/17 (relative error 1/17) as the seed y, an iteration is
  // e = -m * y + 1; y = y * e + y. Zero, infinity and NaN give 1; part 2 handles them.
  function automatic logic [31:0] reciprocal_significand(format_t format, logic [31:0] operand);
    logic [31:0] from;
    from = widen(format, operand);
    if (from[30:23] == 8'd0 || from[30:23] == 8'hff) reciprocal_significand = narrow(format, One);
    else reciprocal_significand = narrow(format, One | (from & 32'h007f_ffff));
  endfunction

  function automatic logic [31:0] reciprocal_slope(format_t format);
    reciprocal_slope = narrow(format, 32'hbef0_f0f1);  // -8/17
  endfunction

  function automatic logic [31:0] reciprocal_offset();
    reciprocal_offset = 32'h3fb4_b4b5;  // 24/17
  endfunction

  // -1 as an operand: subtraction is a * -1 + c.
  function automatic logic [31:0] minus_one(format_t format);
    minus_one = (format == Int8) ? 32'h0000_00ff : narrow(format, 32'hbf80_0000);
  endfunction

  // Part 2: `inverse` is the accumulator 1/m, which is positive; the result has the operand's sign and exponent.
  function automatic logic [31:0] reciprocal_result(format_t format, logic [31:0] operand,
                                                    logic [31:0] inverse);
    logic [31:0] from, scaled;
    from = widen(format, operand);
    scaled = scale(inverse, $signed(10'd127 - {2'd0, from[30:23]}));
    if (from == NaN) reciprocal_result = NaN;
    else if (from[30:23] == 8'hff) reciprocal_result = {from[31], 31'd0};
    else if (from[30:23] == 8'd0) reciprocal_result = {from[31], Infinity[30:0]};
    else reciprocal_result = scaled | (from & 32'h8000_0000);
  endfunction

endpackage
