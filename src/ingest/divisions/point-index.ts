import type { Boundary } from './boundaries.js'

/** More bands: fewer edges to look at for a point, more memory; an edge lies in about one or two of them. */
const BANDS = 1_024

/**
 * Finds the division of a point by counting the boundary's edges east of it. Edges are kept in bands of latitude, so that a point looks at a
 * handful of them: tens of nanoseconds. A point on a shared edge belongs to one of the two, always the same one.
 */
export class PointIndex {
  private readonly edges: Float64Array // x1, y1, x2, y2 of each edge, y1 < y2
  private readonly owners: Int32Array
  private readonly bandEdges: Int32Array
  private readonly bandStarts: Int32Array
  private readonly insides: Uint8Array
  private readonly divisions: readonly string[]
  private readonly south: number
  private readonly north: number
  private readonly west: number
  private readonly east: number

  constructor(boundaries: readonly Boundary[]) {
    this.divisions = boundaries.map(({ division }) => division)
    this.insides = new Uint8Array(boundaries.length)
    const positions = boundaries.flatMap(({ rings }) => rings.flat())
    this.west = least(positions, 0)
    this.south = least(positions, 1)
    this.east = greatest(positions, 0)
    this.north = greatest(positions, 1)
    const edges: number[] = []
    const owners: number[] = []
    for (const [owner, { rings }] of boundaries.entries()) {
      for (const ring of rings) for (const edge of edgesOf(ring)) edges.push(...edge) && owners.push(owner)
    }
    this.edges = Float64Array.from(edges)
    this.owners = Int32Array.from(owners)
    const { starts, members } = this.banded()
    this.bandStarts = starts
    this.bandEdges = members
  }

  /** The division that holds a point, or undefined outside of all. Degrees, WGS 84. */
  find(longitude: number, latitude: number): string | undefined {
    const isNear =
      latitude >= this.south && latitude <= this.north && longitude >= this.west && longitude <= this.east
    if (!isNear) return undefined
    const { edges, owners, insides, bandEdges, bandStarts } = this
    insides.fill(0)
    const band = this.bandOf(latitude)
    const end = bandStarts[band + 1] as number
    for (let at = bandStarts[band] as number; at < end; at++) {
      const edge = bandEdges[at] as number
      const y1 = edges[edge * 4 + 1] as number
      const y2 = edges[edge * 4 + 3] as number
      if (latitude < y1 || latitude >= y2) continue // half-open: a corner counts for one of its two edges
      const x1 = edges[edge * 4] as number
      const x2 = edges[edge * 4 + 2] as number
      const x = x1 + ((latitude - y1) / (y2 - y1)) * (x2 - x1)
      if (longitude < x) {
        const owner = owners[edge] as number
        insides[owner] = (insides[owner] as number) ^ 1
      }
    }
    const found = insides.indexOf(1)
    return found < 0 ? undefined : this.divisions[found]
  }

  private bandOf(latitude: number): number {
    const share = (latitude - this.south) / (this.north - this.south)
    return Math.min(BANDS - 1, Math.max(0, Math.floor(share * BANDS)))
  }

  /** Edges by band, in flat memory: those of band b stand from starts[b] to starts[b + 1]. */
  private banded(): { starts: Int32Array; members: Int32Array } {
    const starts = new Int32Array(BANDS + 1)
    const each = (visit: (band: number, edge: number) => void) => {
      for (let edge = 0; edge < this.owners.length; edge++) {
        const last = this.bandOf(this.edges[edge * 4 + 3] as number)
        for (let band = this.bandOf(this.edges[edge * 4 + 1] as number); band <= last; band++)
          visit(band, edge)
      }
    }
    each((band) => {
      starts[band + 1] = (starts[band + 1] as number) + 1
    })
    for (let band = 0; band < BANDS; band++)
      starts[band + 1] = (starts[band + 1] as number) + (starts[band] as number)
    const members = new Int32Array(starts[BANDS] as number)
    const next = starts.slice()
    each((band, edge) => {
      members[next[band] as number] = edge
      next[band] = (next[band] as number) + 1
    })
    return { starts, members }
  }
}

/** Edges of a ring from south to north; level ones cross no ray. A ring that is not closed is closed. */
function edgesOf(ring: Boundary['rings'][number]): [number, number, number, number][] {
  return ring.flatMap(([x1, y1], at) => {
    const [x2, y2] = ring[(at + 1) % ring.length] as readonly [number, number]
    if (y1 === y2) return []
    return [y1 < y2 ? [x1, y1, x2, y2] : [x2, y2, x1, y1]] as [number, number, number, number][]
  })
}

function least(positions: readonly (readonly [number, number])[], axis: 0 | 1): number {
  return positions.reduce((low, position) => Math.min(low, position[axis]), Number.POSITIVE_INFINITY)
}

function greatest(positions: readonly (readonly [number, number])[], axis: 0 | 1): number {
  return positions.reduce((high, position) => Math.max(high, position[axis]), Number.NEGATIVE_INFINITY)
}
