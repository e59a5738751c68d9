import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { SettingMistake } from '../contracts/check-partitions.js'
import type { BoundaryVersion, CityFile } from '../contracts/city-file.js'
import { readBoundaries } from '../ingest/divisions/boundaries.js'
import { asWardbookError } from '../kernel/errors.js'
import { sha256Hex } from '../kernel/ids.js'

/** What is wrong with a boundary's file, and which setting says so. */
export interface MapMistake {
  readonly setting: 'file' | 'sha256'
  readonly message: string
}

/** A boundary version whose file was looked at. */
export interface LoadedMap {
  /** With an absolute `file`, and the digest of what lies there. */
  readonly boundary: BoundaryVersion
  /** As the city file names it. */
  readonly named: string
  /** Divisions of the map; undefined where it cannot be read. */
  readonly divisions: readonly string[] | undefined
  readonly mistakes: readonly MapMistake[]
}

/**
 * Reads and checks the boundary files of a city: each is there, is a map in degrees, and is the file that `sha256` says.
 * @param cityFile path of the city file: boundary files lie relative to it
 * @returns the boundaries with the digest of their files and an absolute `file`, or what is wrong with them
 */
export async function loadBoundaries(
  city: CityFile,
  cityFile: string,
): Promise<{ boundaries: BoundaryVersion[]; mistakes: SettingMistake[] }> {
  const maps = await loadMaps(city, dirname(cityFile))
  const mistakes = maps.flatMap((map, at) =>
    map.mistakes.map(({ setting, message }) => ({ path: ['divisions', 'boundaries', at, setting], message })),
  )
  return { boundaries: maps.map(({ boundary }) => boundary), mistakes }
}

/** Looks at each boundary file of a city. @param folder of the city file */
export async function loadMaps({ divisions }: CityFile, folder: string): Promise<LoadedMap[]> {
  const maps: LoadedMap[] = []
  for (const boundary of divisions.boundaries ?? []) maps.push(await loadMap(boundary, folder))
  return maps
}

async function loadMap(boundary: BoundaryVersion, folder: string): Promise<LoadedMap> {
  const { file: named, property, values, sha256 } = boundary
  const file = resolve(folder, named)
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => cause.code)
  if (typeof bytes === 'string' || bytes === undefined) {
    const message = `${named} cannot be read: ${bytes}; boundary files lie relative to the city file`
    const mistakes = [{ setting: 'file', message }] as const
    return { boundary: { ...boundary, file }, named, divisions: undefined, mistakes }
  }
  const mistakes: MapMistake[] = []
  const found = sha256Hex(bytes)
  if (sha256 !== undefined && sha256.toLowerCase() !== found)
    mistakes.push({ setting: 'sha256', message: `${named} has the SHA-256 ${found}, not ${sha256}` })
  let divisions: readonly string[] | undefined
  try {
    divisions = readBoundaries(bytes.toString('utf8'), property, values, named).map(
      ({ division }) => division,
    )
  } catch (thrown) {
    mistakes.push({ setting: 'file', message: asWardbookError(thrown).message })
  }
  return { boundary: { ...boundary, file, sha256: found }, named, divisions, mistakes }
}
