import type { BoundaryVersion, PartitionConfig } from './city-file.js'

/** The boundary version that a partition uses, or why there is none, and which setting says so. */
export type ChosenBoundary =
  | { readonly boundary: BoundaryVersion }
  | { readonly setting: 'by' | 'boundary'; readonly mistake: string }

/** Chooses by id, else the one version that is in force: without `validTo`. */
export function chooseBoundary(
  boundaries: readonly BoundaryVersion[],
  { boundary: id }: Pick<PartitionConfig, 'boundary'>,
): ChosenBoundary {
  const known = listOf(boundaries)
  if (id !== undefined) {
    const named = boundaries.find((boundary) => boundary.id === id)
    if (named !== undefined) return { boundary: named }
    return { setting: 'boundary', mistake: `divisions.boundaries has no '${id}'; it has ${known}` }
  }
  const inForce = boundaries.filter(({ validTo }) => validTo === undefined)
  const [only] = inForce
  if (only !== undefined && inForce.length === 1) return { boundary: only }
  const mistake =
    only === undefined
      ? `by: point needs a boundary in force, one without validTo, or one that \`boundary\` names; divisions.boundaries has ${known}`
      : `by: point finds several boundaries in force (${listOf(inForce)}): name one in \`boundary\``
  return { setting: 'by', mistake }
}

function listOf(boundaries: readonly BoundaryVersion[]): string {
  return boundaries.map(({ id }) => id).join(', ') || 'none'
}
