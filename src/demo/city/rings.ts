import type { Place } from './precincts.js'

/**
 * The rings around cells that touch each other: edges that two cells share fall away, the rest is chained.
 * @param cells corners of each cell; cells that touch have exactly the same corners there
 * @returns the outer ring counter-clockwise, then rings of holes clockwise; each ends with its first corner
 */
export function ringsAround(cells: readonly (readonly Place[])[]): Place[][] {
  const rings = chained(outerEdges(cells))
  const sorted = rings.sort((a, b) => Math.abs(areaOf(b)) - Math.abs(areaOf(a)))
  return sorted.map((ring, at) => (areaOf(ring) > 0 === (at === 0) ? ring : ring.reverse()))
}

interface Edge {
  readonly from: Place
  readonly to: Place
}

function outerEdges(cells: readonly (readonly Place[])[]): Map<string, Edge> {
  const edges = new Map<string, Edge>()
  for (const corners of cells) {
    corners.forEach((from, at) => {
      const to = corners[(at + 1) % corners.length] as Place
      const opposite = `${keyOf(to)} ${keyOf(from)}`
      if (!edges.delete(opposite)) edges.set(`${keyOf(from)} ${keyOf(to)}`, { from, to })
    })
  }
  return edges
}

/** Corners of neighboring cells are computed from the same triangle, and may differ in their last bits. */
function keyOf([x, y]: Place): string {
  return `${x.toFixed(9)},${y.toFixed(9)}`
}

function chained(edges: ReadonlyMap<string, Edge>): Place[][] {
  const next = new Map([...edges.values()].map((edge) => [keyOf(edge.from), edge]))
  const rings: Place[][] = []
  for (const [first] of next) {
    const ring: Place[] = []
    for (let key = first, edge = next.get(key); edge !== undefined; edge = next.get(key)) {
      ring.push(edge.from)
      next.delete(key)
      key = keyOf(edge.to)
    }
    if (ring.length > 0) rings.push([...ring, ring[0] as Place])
  }
  return rings
}

/** Twice the signed area of a ring; above zero when it runs counter-clockwise. */
function areaOf(ring: readonly Place[]): number {
  return ring.slice(1).reduce((sum, [x, y], at) => {
    const [u, v] = ring[at] as Place
    return sum + u * y - x * v
  }, 0)
}
