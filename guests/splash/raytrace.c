/* guests/splash/raytrace.c: a parallel ray tracer. */
/* SPDX-License-Identifier: Apache-2.0 */
/* In the spirit of SPLASH-2's, with its scene: balls upon balls (E. Haines, "A Proposal for Standard Graphics
 * Environments", 1987), on a chequered floor; a hierarchy of bounding spheres, shadows, reflections. Threads take tiles
 * of the picture from a common count. All a pixel depends on is its place: the picture is the same for any number of
 * threads, on any target. */
#include "splash.h"

const char splash_name[] = "raytrace";
static unsigned size = 128, balls = 3, rays = 1, ppm;
const struct param splash_params[] = {
    {"size", &size, 8, 2048}, {"balls", &balls, 0, 5}, {"rays", &rays, 1, 4}, {"ppm", &ppm, 0, 2}, {0}};

enum { TILE = 8, DEPTH = 4, CHILDREN = 9, PPM_TEXT = 1, PPM_DISK = 2, HEADER = 32 };
#define FAR   1e9
#define NEAR  1e-6
#define FLOOR (-0.5)

struct vector {
  double x, y, z;
};
struct ball {
  struct vector at;
  double radius, bound; /* of a sphere around it and all upon it */
  struct ball *child;   /* CHILDREN of them, or NULL */
};
struct ray {
  struct vector from, to; /* `to` has length 1 */
};
struct hit {
  double distance;
  struct vector at, normal, colour;
  double shine;
};

static struct ball scene;
static unsigned char *picture; /* after HEADER bytes */
static unsigned next_tile;

/* --- vectors --- */

static struct vector add(struct vector a, double s, struct vector b) { /* a + s b */
  return (struct vector){a.x + s * b.x, a.y + s * b.y, a.z + s * b.z};
}
static double dot(struct vector a, struct vector b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
static struct vector cross(struct vector a, struct vector b) {
  return (struct vector){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
static struct vector scale(struct vector a, double s) {
  return (struct vector){s * a.x, s * a.y, s * a.z};
}
static struct vector unit(struct vector a) {
  return scale(a, 1 / __builtin_sqrt(dot(a, a)));
}

/* --- the scene --- */

/* Where the balls sit upon one whose own seat is below: six around it, three above. */
static const struct vector seats[CHILDREN] = {{1, 0, 0},
                                              {0.5, 0, 0.8660254037844386},
                                              {-0.5, 0, 0.8660254037844386},
                                              {-1, 0, 0},
                                              {-0.5, 0, -0.8660254037844386},
                                              {0.5, 0, -0.8660254037844386},
                                              {0.5, 0.8164965809277260, 0.2886751345948129},
                                              {-0.5, 0.8164965809277260, 0.2886751345948129},
                                              {0, 0.8164965809277260, -0.5773502691896258}};

static void grow(struct ball *b, struct vector up, unsigned levels) {
  b->bound = levels ? 2 * b->radius : b->radius;
  b->child = levels ? take_memory(CHILDREN * sizeof *b) : NULL;
  if (!levels) return;
  struct vector side = up.x * up.x < 0.5 ? (struct vector){1, 0, 0} : (struct vector){0, 1, 0};
  struct vector x = unit(cross(up, side)), z = cross(x, up);
  for (unsigned i = 0; i < CHILDREN; i++) {
    struct vector s = seats[i], out = add(add(scale(x, s.x), s.y, up), s.z, z);
    b->child[i] = (struct ball){.at = add(b->at, b->radius * 4 / 3, out), .radius = b->radius / 3};
    grow(&b->child[i], out, levels - 1);
  }
}

/* --- rays --- */

/* How far along the ray the sphere is met; FAR: it is not. */
static double meet(const struct ray *r, struct vector centre, double radius) {
  struct vector to = add(centre, -1, r->from);
  double b = dot(to, r->to), d = b * b - dot(to, to) + radius * radius;
  if (d < 0) return FAR;
  double root = __builtin_sqrt(d);
  return b - root > NEAR ? b - root : b + root > NEAR ? b + root : FAR;
}

static void find_ball(const struct ray *r, const struct ball *b, const struct ball **found, double *distance) {
  struct vector to = add(b->at, -1, r->from);
  bool inside = dot(to, to) < b->bound * b->bound;
  if (!inside && meet(r, b->at, b->bound) >= *distance) return;
  double d = meet(r, b->at, b->radius);
  if (d < *distance) *distance = d, *found = b;
  for (unsigned i = 0; b->child && i < CHILDREN; i++) find_ball(r, &b->child[i], found, distance);
}

static int whole(double v) { /* the next whole number below */
  int i = (int)v;
  return i - (v < i);
}

static bool trace(const struct ray *r, struct hit *hit) {
  const struct ball *found = NULL;
  double distance = FAR, floor = r->to.y < 0 ? (FLOOR - r->from.y) / r->to.y : FAR;
  if (floor > NEAR && floor < distance) distance = floor;
  find_ball(r, &scene, &found, &distance);
  if (distance >= FAR) return false;
  *hit = (struct hit){.distance = distance, .at = add(r->from, distance, r->to)};
  if (found) {
    hit->normal = unit(add(hit->at, -1, found->at));
    hit->colour = (struct vector){0.9, 0.6, 0.3};
    hit->shine = 0.4;
  } else {
    hit->normal = (struct vector){0, 1, 0};
    double c = (whole(hit->at.x) + whole(hit->at.z)) & 1 ? 0.2 : 0.8;
    hit->colour = (struct vector){c, c, c};
    hit->shine = 0.1;
  }
  return true;
}

static const struct vector lights[] = {{3, 5, 4}, {-4, 3, 2}, {0, 6, -3}};
enum { LIGHTS = sizeof lights / sizeof *lights };

static struct vector shade(const struct hit *h) {
  double light = 0.15;
  for (unsigned i = 0; i < LIGHTS; i++) {
    struct vector to = add(lights[i], -1, h->at);
    double distance = __builtin_sqrt(dot(to, to)), c;
    struct ray r = {h->at, scale(to, 1 / distance)};
    const struct ball *in_the_way = NULL;
    if ((c = dot(h->normal, r.to)) <= 0) continue;
    find_ball(&r, &scene, &in_the_way, &distance);
    if (!in_the_way) light += 0.4 * c;
  }
  return scale(h->colour, light);
}

static struct vector look(struct ray r) {
  struct vector sum = {0, 0, 0};
  double weight = 1;
  for (unsigned depth = 0; depth < DEPTH; depth++) {
    struct hit h;
    if (!trace(&r, &h)) return add(sum, weight, (struct vector){0.3, 0.4, 0.6});
    sum = add(sum, weight * (1 - h.shine), shade(&h));
    weight *= h.shine;
    r = (struct ray){h.at, add(r.to, -2 * dot(r.to, h.normal), h.normal)};
  }
  return sum;
}

/* --- the picture --- */

static unsigned char level(double v) {
  return v >= 1 ? 255 : (unsigned char)(v * 255);
}

static void pixel(unsigned px, unsigned py) {
  static const struct vector eye = {2.1, 1.3, 1.7};
  struct vector forward = unit(scale(eye, -1)), right = unit(cross(forward, (struct vector){0, 1, 0}));
  struct vector up = cross(right, forward), sum = {0, 0, 0};
  for (unsigned i = 0; i < rays * rays; i++) {
    double x = (px + (i % rays + 0.5) / rays) / size - 0.5, y = 0.5 - (py + (i / rays + 0.5) / rays) / size;
    struct vector to = add(add(forward, x * 0.9, right), y * 0.9, up);
    sum = add(sum, 1.0 / (rays * rays), look((struct ray){eye, unit(to)}));
  }
  unsigned char *p = picture + HEADER + 3 * ((size_t)py * size + px);
  p[0] = level(sum.x), p[1] = level(sum.y), p[2] = level(sum.z);
}

static void render(unsigned id, void *arg) {
  unsigned across = (size + TILE - 1) / TILE, tile;
  (void)id, (void)arg;
  while ((tile = __atomic_fetch_add(&next_tile, 1, __ATOMIC_RELAXED)) < across * across)
    for (unsigned i = 0; i < TILE * TILE; i++) {
      unsigned x = tile % across * TILE + i % TILE, y = tile / across * TILE + i / TILE;
      if (x < size && y < size) pixel(x, y);
    }
}

static bool show(void) {
  size_t bytes = HEADER + 3 * (size_t)size * size;
  if (ppm == PPM_DISK) {
    print_into((char *)picture, "P6 %12u %11u\n255\n", size, size); /* HEADER bytes */
    if (disk_write(picture, bytes)) return true;
    print("raytrace: cannot write the picture: ppm=2 wants --disk FILE,persist with room for %lu bytes\n",
          (unsigned long)bytes);
    return false;
  }
  print("P3 %u %u 255\n", size, size);
  for (size_t i = HEADER; i < bytes; i++) print("%u%c", picture[i], (i - HEADER) % 3 == 2 ? '\n' : ' ');
  return true;
}

int splash_main(void) {
  print("raytrace: size=%u balls=%u rays=%u\n", size, balls, rays);
  uint64_t t = now(), digest = 0;
  scene = (struct ball){.radius = 0.5};
  grow(&scene, (struct vector){0, 1, 0}, balls);
  picture = take_memory(HEADER + 3 * (size_t)size * size);
  t = phase("scene", t);
  run_all(render, NULL);
  phase("render", t);
  for (size_t i = 0; i < 3 * (size_t)size * size; i++) digest = mix(digest ^ picture[HEADER + i]);
  print("raytrace: digest %08x%08x\n", (unsigned)(digest >> 32), (unsigned)digest);
  return ppm && !show();
}
