/** How far one division of one source is. */
export interface Reached {
  readonly source: string
  readonly division: string
  readonly version: number
}

/** What the barrier waits for: the raw version of each source, and all its divisions. */
export interface Upstream {
  readonly source: string
  readonly version: number
  readonly divisions: readonly string[]
}

/**
 * A stage that compares all divisions starts only when every one of them has reached the same upstream version.
 * @returns the divisions that are still behind, `source/division`; empty when the barrier is open
 */
export function waitingFor(upstreams: readonly Upstream[], reached: readonly Reached[]): string[] {
  const versions = new Map(reached.map(({ source, division, version }) => [`${source}/${division}`, version]))
  return upstreams.flatMap(({ source, version, divisions }) =>
    divisions.map((division) => `${source}/${division}`).filter((place) => versions.get(place) !== version),
  )
}
