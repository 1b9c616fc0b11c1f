/* cli/nets.c: the words of --net. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nets.h"
#include <stdlib.h>
#include <string.h>

const char nets_words[] = "nat[,WORDS]|subnet=NAME[,WORDS]";
const char nets_help[] = "plug in a network card. nat: the host's own network; DHCP gives the\n"
                         "guest 10.0.2.15, 10.0.2.2 is this host's 127.0.0.1, 10.0.2.3 its name\n"
                         "server. forward=tcp:HOSTPORT:GUESTPORT (or udp:...) lets programs on\n"
                         "this host in, through a port of 127.0.0.1; restrict lets the guest not\n"
                         "out. subnet=NAME: a virtual ethernet that joins all cards which name it.\n"
                         "The card is virtio, or pcnet, the board's own. May be repeated: two\n"
                         "virtio, one pcnet. In Debian's guests udhcpc sets eth0 up";

enum word { W_VIRTIO, W_PCNET, W_RESTRICT, W_FORWARD, WORDS };
static const char *const words[] = {"virtio", "pcnet", "restrict", "forward="};

static enum word find_word(const char *text, size_t n) {
  enum word w = W_VIRTIO;
  while (w < W_FORWARD && (strlen(words[w]) != n || memcmp(words[w], text, n))) w++;
  return w < W_FORWARD || !strncmp(text, words[W_FORWARD], strlen(words[W_FORWARD])) ? w : WORDS;
}

/* A number from 1 to 65535 that ends where n characters do. */
static bool port(const char *text, size_t n, uint16_t *out) {
  char digits[8];
  uint64_t v;
  if (n >= sizeof digits) return false;
  memcpy(digits, text, n);
  digits[n] = 0;
  if (!options_number(digits, false, UINT16_MAX, &v) || !v) return false;
  *out = (uint16_t)v;
  return true;
}

static int forward(const struct request *r, struct mb_net *net, const char *whole, const char *text, size_t n) {
  bool udp = !strncmp(text, "udp:", 4);
  if (net->kind == MB_NET_SUBNET)
    return request_fail(r, "--net %s: a subnet leads nowhere else: forward goes with nat", whole);
  if (!udp && strncmp(text, "tcp:", 4))
    return request_fail(r, "--net %s: \"%.*s\" is not tcp:HOSTPORT:GUESTPORT, or udp:...", whole, (int)n, text);
  const char *host = text + 4, *end = text + n, *colon = memchr(host, ':', (size_t)(end - host));
  struct mb_forward f = {.udp = udp};
  if (!colon) return request_fail(r, "--net %s: \"%.*s\" lacks :GUESTPORT", whole, (int)n, text);
  if (!port(host, (size_t)(colon - host), &f.host))
    return request_fail(r, "--net %s: \"%.*s\" is no port from 1 to 65535", whole, (int)(colon - host), host);
  if (!port(colon + 1, (size_t)(end - colon - 1), &f.guest))
    return request_fail(r, "--net %s: \"%.*s\" is no port from 1 to 65535", whole, (int)(end - colon - 1), colon + 1);
  if (net->forwards == MB_FORWARDS_MAX)
    return request_fail(r, "--net %s: more than %d forwards", whole, MB_FORWARDS_MAX);
  net->forward[net->forwards++] = f;
  return 0;
}

static int set_card(const struct request *r, struct mb_net *net, bool *chosen, const char *whole, enum word w) {
  if (*chosen) return request_fail(r, "--net %s: one card, either virtio or pcnet", whole);
  *chosen = true;
  net->card = w == W_PCNET ? MB_NET_PCNET : MB_NET_VIRTIO;
  return 0;
}

/* The first word. */
static int set_kind(const struct request *r, struct mb_net *net, const char *text, size_t n) {
  static const char subnet[] = "subnet=";
  size_t k = strlen(subnet);
  if (n == 3 && !memcmp(text, "nat", 3)) return 0;
  if (n < k || memcmp(text, subnet, k))
    return request_fail(r, "--net %s: begins with neither nat nor subnet=NAME", text);
  if (n == k) return request_fail(r, "--net %s: a subnet wants a NAME", text);
  net->kind = MB_NET_SUBNET;
  return (net->subnet = strndup(text + k, n - k)) ? 0 : request_fail(r, "out of memory");
}

int nets_parse(const struct request *r, struct mb_net *net, const char *text) {
  size_t n = strcspn(text, ",");
  bool chosen = false;
  *net = (struct mb_net){.card = MB_NET_VIRTIO};
  int bad = set_kind(r, net, text, n);
  for (const char *p = text + n; !bad && *p; p += n) {
    n = strcspn(++p, ",");
    enum word w = find_word(p, n);
    switch (w) {
    case W_VIRTIO:
    case W_PCNET: bad = set_card(r, net, &chosen, text, w); break;
    case W_RESTRICT:
      net->restricted = net->kind == MB_NET_NAT;
      if (!net->restricted) bad = request_fail(r, "--net %s: a subnet leads nowhere: restrict goes with nat", text);
      break;
    case W_FORWARD: bad = forward(r, net, text, p + strlen(words[w]), n - strlen(words[w])); break;
    case WORDS:
      bad = request_fail(r, "--net %s: \"%.*s\" is none of virtio, pcnet, restrict, forward=...", text, (int)n, p);
      break;
    }
  }
  return bad;
}
