import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { SettingMistake } from '../contracts/check-partitions.js'
import type { BoundaryVersion, CityFile } from '../contracts/city-file.js'
import { readBoundaries } from '../ingest/divisions/boundaries.js'
import { asWardbookError } from '../kernel/errors.js'
import { sha256Hex } from '../kernel/ids.js'

/**
 * Reads and checks the boundary files of a city: each is there, is a map in degrees, and is the file that `sha256` says.
 * @param cityFile path of the city file: boundary files lie relative to it
 * @returns the boundaries with the digest of their files and an absolute `file`, or what is wrong with them
 */
export async function loadBoundaries(
  { divisions }: CityFile,
  cityFile: string,
): Promise<{ boundaries: BoundaryVersion[]; mistakes: SettingMistake[] }> {
  const mistakes: SettingMistake[] = []
  const boundaries: BoundaryVersion[] = []
  for (const [at, boundary] of (divisions.boundaries ?? []).entries()) {
    const say = (setting: keyof BoundaryVersion, message: string) =>
      mistakes.push({ path: ['divisions', 'boundaries', at, setting], message })
    const file = resolve(dirname(cityFile), boundary.file)
    const sha256 = await checkFile(boundary, file, say)
    boundaries.push({ ...boundary, file, ...(sha256 === undefined ? {} : { sha256 }) })
  }
  return { boundaries, mistakes }
}

async function checkFile(
  { file: named, property, values, sha256 }: BoundaryVersion,
  file: string,
  say: (setting: 'file' | 'sha256', message: string) => void,
): Promise<string | undefined> {
  const bytes = await readFile(file).catch((cause) => {
    say('file', `${named} cannot be read: ${cause.code}; boundary files lie relative to the city file`)
  })
  if (bytes === undefined) return undefined
  const found = sha256Hex(bytes)
  if (sha256 !== undefined && sha256.toLowerCase() !== found)
    say('sha256', `${named} has the SHA-256 ${found}, not ${sha256}`)
  try {
    readBoundaries(bytes.toString('utf8'), property, values, named)
  } catch (thrown) {
    say('file', asWardbookError(thrown).message)
  }
  return found
}
