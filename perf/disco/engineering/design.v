// perf/disco/engineering/design.v: a small processor with caches, times CPUS, sums up a list each: for Icarus Verilog's vvp.
// SPDX-License-Identifier: Apache-2.0
// vvp DESIGN +cycles=N simulates N cycles and prints what the processors have come to.

// A direct-mapped cache of 64 lines of one word; a miss takes LATENCY cycles.
module cache #(parameter LATENCY = 6) (input clk, input reset, input [15:0] address, input ask, output reg ready,
                                       output reg [31:0] data, output reg [31:0] misses);
  reg [9:0] tag[0:63];
  reg [31:0] line[0:63];
  reg [3:0] wait_for;
  integer i;
  wire [5:0] index = address[5:0];
  wire hit = tag[index] == address[15:6];
  // Memory is a function of its address.
  wire [31:0] memory = {address, ~address} ^ (address * 32'h9e3779b9);
  always @(posedge clk) begin
    ready <= 0;
    if (reset) begin
      for (i = 0; i < 64; i = i + 1) tag[i] <= 10'h3ff;
      wait_for <= 0;
      misses <= 0;
    end else if (wait_for != 0) begin
      wait_for <= wait_for - 1;
      if (wait_for == 1) begin
        tag[index] <= address[15:6];
        line[index] <= memory;
        data <= memory;
        ready <= 1;
      end
    end else if (ask && !ready) begin
      if (hit) begin
        data <= line[index];
        ready <= 1;
      end else begin
        wait_for <= LATENCY;
        misses <= misses + 1;
      end
    end
  end
endmodule

// Three stages: where to load from, load, multiply and add in eight steps.
module processor #(parameter ID = 0) (input clk, input reset, output reg [31:0] sum, output reg [31:0] done,
                                      output [31:0] misses);
  reg [15:0] address;
  reg [31:0] product, factor, shifted;
  reg [3:0] steps;
  reg asking;
  wire ready;
  wire [31:0] data;
  cache memory (.clk(clk), .reset(reset), .address(address), .ask(asking), .ready(ready), .data(data), .misses(misses));
  always @(posedge clk)
    if (reset) begin
      sum <= ID;
      done <= 0;
      address <= ID * 257;
      asking <= 1;
      steps <= 0;
    end else if (asking && ready) begin
      asking <= 0;
      steps <= 8;
      shifted <= data;
      factor <= {24'b0, data[31:24]};
      product <= 0;
    end else if (steps != 0) begin
      if (factor[0]) product <= product + shifted;
      factor <= factor >> 1;
      shifted <= shifted << 1;
      steps <= steps - 1;
    end else if (!asking) begin
      sum <= {sum[30:0], sum[31]} ^ product;
      done <= done + 1;
      address <= product[3] ? address + 1 : address ^ {11'b0, product[8:4]}; // near, mostly
      asking <= 1;
    end
endmodule

module top;
  parameter CPUS = 8;
  reg clk = 0, reset = 1;
  integer cycles, i;
  wire [31:0] sum[0:CPUS-1], done[0:CPUS-1], misses[0:CPUS-1];
  genvar g;
  generate
    for (g = 0; g < CPUS; g = g + 1) begin : cpu
      processor #(.ID(g + 1)) p (.clk(clk), .reset(reset), .sum(sum[g]), .done(done[g]), .misses(misses[g]));
    end
  endgenerate
  always #5 clk = ~clk;
  initial begin
    if (!$value$plusargs("cycles=%d", cycles)) cycles = 1000;
    repeat (3) @(posedge clk);
    reset = 0;
    repeat (cycles) @(posedge clk);
    for (i = 0; i < CPUS; i = i + 1) $display("cpu %0d: %h after %0d loads, %0d misses", i, sum[i], done[i], misses[i]);
    $finish;
  end
endmodule
