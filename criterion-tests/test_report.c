/* criterion-tests/test_report.c: what the page of mirrorball report is told: of page logs, and of statistics. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char example[] = "mirrorball page log 1\n"
                              "nodes 4\n"
                              "p 10 0 7\n"
                              "p 11 1 3\n"
                              "t 1000000\n"
                              "h 10 0 0:5+1 2:20+0\n"
                              "h 11 1 1:200+0\n"
                              "t 2000000\n"
                              "m 10 0 2\n"
                              "r 11 1 3\n"
                              "t 2005000\n"
                              "l 11 1 1 0\n"
                              "h 10 2 2:30+0\n"
                              "h 10 2 0:1+0 2:2+0\n"
                              "p 11 0 7\n" /* page 7 of the first VM has another frame now */
                              "h 11 3 3:40+0\n"
                              "t 100000000\n"
                              "l 11 3 2 -\n";

static int number(const json_t *o, const char *key) {
  return (int)json_integer_value(json_object_get(o, key));
}

Test(report, pages_go_by_their_guest) {
  json_t *o = report_pages(example), *page = json_object_get(o, "page"), *times = json_object_get(o, "times");
  cr_assert_eq(number(o, "all"), 2);
  cr_assert_eq(json_array_size(page), 2);
  cr_assert_eq(number(json_array_get(page, 0), "vm"), 1);
  cr_assert_eq(number(json_array_get(page, 0), "n"), 7);
  cr_assert_eq(number(json_array_get(page, 1), "vm"), 2);
  cr_assert_eq(json_array_size(times), 100);
  cr_assert_float_eq(json_real_value(json_array_get(times, 99)), 0.1, 1e-9);
  json_decref(o);
}

Test(report, heat_is_summed_by_interval) {
  json_t *o = report_pages(example), *heat = json_object_get(o, "heat");
  cr_assert_eq(json_array_size(heat), 3);
  json_t *last = json_array_get(heat, 2), *by = json_object_get(last, "by"); /* 2.005 ms of 100: the third hundredth */
  cr_assert_eq(number(last, "page"), 0);
  cr_assert_eq(number(last, "time"), 2);
  cr_assert_eq(number(last, "home"), 3);
  cr_assert_eq(json_array_size(by), 3);
  json_t *node2 = json_array_get(by, 0);
  cr_assert_eq(json_integer_value(json_array_get(node2, 0)), 2);
  cr_assert_eq(json_integer_value(json_array_get(node2, 1)), 32);
  json_decref(o);
}

Test(report, events_have_their_page_and_time) {
  static const char *const kind[] = {"m", "r", "l"};
  json_t *o = report_pages(example), *events = json_object_get(o, "events");
  cr_assert_eq(json_array_size(events), 4);
  for (size_t i = 0; i < 3; i++)
    cr_assert_str_eq(json_string_value(json_object_get(json_array_get(events, i), "kind")), kind[i]);
  cr_assert_eq(number(json_array_get(events, 1), "page"), 1);
  cr_assert_eq(number(json_array_get(events, 0), "to"), 2);
  cr_assert_float_eq(json_real_value(json_object_get(json_array_get(events, 2), "at")), 0.002005, 1e-9);
  json_decref(o);
}

/* Whatever there is in a file that somebody has changed: no more than less to show. */
Test(report, garbage_in_a_log_is_left_out) {
  cr_assert_null(report_pages(""));
  cr_assert_null(report_pages("mirrorball page log 2\n"));
  json_t *huge = report_pages("mirrorball page log 1\np ffffffffff 0 1\n"); /* more frames than there can be */
  cr_assert_null(huge);
  srand(1);
  for (int turn = 0; turn < 2000; turn++) {
    char text[sizeof example];
    memcpy(text, example, sizeof text);
    for (int i = 0; i < 1 + turn % 7; i++) {
      char *c = &text[22 + (size_t)rand() % (sizeof text - 23)];
      *c = turn % 2 ? (char)rand() : "\n 0123456789abcdefmrclhpt:+-"[rand() % 28];
    }
    json_decref(report_pages(text));
  }
}

/* One run's row, of statistics as run --stats writes them. */
static json_t *row_of(const char *stats) {
  json_t *document = json_pack("{s:[{s:s,s:s,s:s,s:[{s:s,s:s,s:s,s:s,s:s,s:b,s:f,s:o}]}]}", "experiments", "name", "x",
                               "title", "", "about", "", "cells", "workload", "w", "vms", "", "machine", "", "policy",
                               "", "fidelity", "", "done", 1, "cpu", 1.0, "stats", json_loads(stats, 0, NULL));
  json_t *model = report_model(document), *e = json_array_get(json_object_get(model, "experiments"), 0);
  json_t *row = json_incref(json_array_get(json_object_get(e, "rows"), 0));
  json_decref(model);
  json_decref(document);
  return row;
}

static double part(const json_t *row, const char *name) {
  return json_number_value(json_object_get(json_object_get(row, "parts"), name));
}

Test(report, time_is_divided_by_what_it_was_for) {
  json_t *row =
      row_of("{\"vms\": [{\"mhz\": 100, \"instructions\": 300000000, \"idle_cycles\": 50000000,"
             " \"stall_cycles\": 90000000, \"virtual_ns\": 4400000000, \"numa\": {\"vcpus\":"
             " [{\"node\": 1, \"tlb_refills\": 5, \"stall_ns_by\": {\"tlb\": 500000000}}]},"
             " \"placement\": {\"migrations\": 3, \"replications\": 1, \"collapses\": 0, \"ns\": 100000000}}]}");
  cr_assert_float_eq(part(row, "instructions"), 3, 1e-9);
  cr_assert_float_eq(part(row, "idle"), 0.5, 1e-9);
  cr_assert_float_eq(part(row, "tlb"), 0.5, 1e-9);
  cr_assert_float_eq(part(row, "moves"), 0.1, 1e-9);
  cr_assert_float_eq(part(row, "devices"), 0.3, 1e-9); /* the rest of what was charged */
  cr_assert_float_eq(json_number_value(json_object_get(row, "seconds")), 4.4, 1e-9);
  cr_assert_eq(json_number_value(json_object_get(json_object_get(row, "moves"), "count")), 4);
  json_decref(row);
}

Test(report, marks_say_what_is_measured) {
  json_t *row =
      row_of("{\"vms\": [{\"mhz\": 1, \"virtual_ns\": 9000000000}], \"marks\": ["
             "{\"vm\": 1, \"mark\": \"begin a\", \"seconds\": 3}, {\"vm\": 2, \"mark\": \"begin a\", \"seconds\": 2},"
             "{\"vm\": 1, \"mark\": \"done a\", \"seconds\": 5}, {\"vm\": 2, \"mark\": \"done a\", \"seconds\": 8}]}");
  cr_assert_float_eq(json_number_value(json_object_get(row, "seconds")), 6, 1e-9);
  cr_assert_float_eq(json_number_value(json_object_get(row, "all_seconds")), 9, 1e-9);
  json_decref(row);
}
