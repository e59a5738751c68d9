import { chooseBoundary } from '../contracts/chosen-boundary.js'
import type { CityFile, DatasetConfig } from '../contracts/city-file.js'
import { CITYWIDE, UNASSIGNED } from '../contracts/columns.js'
import { nearestWord } from '../kernel/nearest-word.js'
import type { LoadedMap } from './load-boundaries.js'
import type { SourceCheck } from './source-checks.js'

/** Names that a message lists. */
const NAMES_SHOWN = 5

/** A boundary file by itself, and against the divisions that the city file lists. Pure. */
export function checkMap(map: LoadedMap, { members }: CityFile['divisions']): SourceCheck[] {
  const { mistakes, divisions, boundary, named } = map
  if (divisions === undefined || mistakes.length > 0)
    return mistakes.map(({ setting, message }) => ({
      ...{ check: `boundary ${setting}`, state: 'unfit', message },
      todo: `look at divisions.boundaries '${boundary.id}' in the city file`,
      facts: { remedy: 'fix-config', file: named },
    }))
  const read: SourceCheck = {
    ...{ check: 'boundary file', state: 'fit', message: `${divisions.length} divisions in ${named}` },
    facts: { divisions },
  }
  return [read, ...checkMembers(divisions, boundary.validTo === undefined, Object.keys(members))]
}

/** `divisions.members` are those of today: a map that is not in force any more has others. */
function checkMembers(
  divisions: readonly string[],
  isInForce: boolean,
  members: readonly string[],
): SourceCheck[] {
  if (!isInForce || members.length === 0) return []
  const missing = members.filter((member) => !isReserved(member) && !divisions.includes(member))
  const others = divisions.filter((division) => !members.includes(division))
  if (missing.length === 0 && others.length === 0)
    return [{ check: 'boundary members', state: 'fit', message: 'the divisions are those of the city file' }]
  const said = [
    ...(missing.length === 0 ? [] : [`the map has no ${listOf(missing)}`]),
    ...(others.length === 0 ? [] : [`divisions.members has no ${listOf(others)}`]),
  ]
  return [
    {
      ...{ check: 'boundary members', state: 'unfit', message: said.join('; ') },
      todo: "say in `values` of the boundary what its names mean, e.g. 'District 7': '7', or correct divisions.members",
      facts: { missing, others, remedy: 'fix-config' },
    },
  ]
}

/** The map that a dataset's divisions are of: the one that its partition uses, or the one in force; undefined where there is none. */
export function mapOf(
  maps: readonly LoadedMap[],
  { partition }: Pick<DatasetConfig, 'partition'>,
): LoadedMap | undefined {
  const chosen = chooseBoundary(
    maps.map(({ boundary }) => boundary),
    partition,
  )
  if (!('boundary' in chosen)) return undefined
  return maps.find(({ boundary }) => boundary === chosen.boundary)
}

/**
 * Divisions that the publisher's column names, against those of the map. A few that the map lacks may be of an earlier map; when it has none of them,
 * the two are spelled in different ways. Pure.
 * @param names partition values as they were seen
 * @param where they were seen, for the message
 */
export function checkNames(map: LoadedMap, names: readonly string[], where: string): SourceCheck[] {
  const { divisions = [], named, boundary } = map
  const seen = [...new Set(names)].filter((name) => !isReserved(name))
  if (divisions.length === 0 || seen.length === 0) return []
  const strange = seen.filter((name) => !divisions.includes(name)).toSorted()
  const check = 'divisions on the map'
  if (strange.length === 0)
    return [{ check, state: 'fit', message: `all ${seen.length} of ${where} are in ${named}` }]
  const near = nearestWord(strange[0] ?? '', divisions)
  return [
    {
      ...{ check, state: strange.length === seen.length ? 'unfit' : 'told' },
      message: `${strange.length} of ${seen.length} divisions of ${where} are not in ${named}: ${listOf(strange)}`,
      todo: `${near === undefined ? '' : `is it ${near}? `}say what they mean in partition.values, or in \`values\` of the boundary '${boundary.id}'; the map has ${listOf(divisions)}`,
      facts: { strange, remedy: 'fix-config' },
    },
  ]
}

function isReserved(name: string): boolean {
  return name === UNASSIGNED || name === CITYWIDE
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).map((name) => `'${name}'`)
  return `${shown.join(', ')}${names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : ''}`
}
