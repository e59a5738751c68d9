import { readFile } from 'node:fs/promises'
import { chooseBoundary } from '../../contracts/chosen-boundary.js'
import type { BoundaryVersion, CityFile, DatasetConfig } from '../../contracts/city-file.js'
import { CITYWIDE } from '../../contracts/columns.js'
import { WardbookError } from '../../kernel/errors.js'
import { sha256Hex } from '../../kernel/ids.js'
import {
  type DivisionRule,
  type DivisionSettings,
  divisionFromColumn,
  divisionOfWholeCity,
} from '../division-rule.js'
import { readBoundaries } from './boundaries.js'
import { PointIndex } from './point-index.js'
import { columnsOfPoint, type DivisionMap, divisionFromPoint } from './point-rule.js'

/** How a dataset's rows are told their divisions. */
export interface PartitionRule {
  /** Header names of the publisher's columns that the division is told from; none for a whole city. */
  readonly toldFrom: readonly string[]
  /** The rule as plain data; undefined where it asks a map. */
  readonly settings?: DivisionSettings
  /** A rule for one read of a source: it may count. */
  newRule(): DivisionRule
}

/**
 * The rule that the city file asks for; a map is read from its file.
 * @throws WardbookError 'boundaries-unusable' (fix-config): the file is missing, is no map, or is another than the city file was checked with
 */
export async function ruleOfPartition(
  { divisions }: CityFile,
  { partition }: DatasetConfig,
): Promise<PartitionRule> {
  const { column, from, values, point } = partition
  if (partition.by === 'citywide')
    return { toldFrom: [], settings: CITYWIDE, newRule: () => divisionOfWholeCity }
  if (partition.by !== 'point' || point === undefined) {
    const settings = { column: from ?? column, values }
    return { toldFrom: [settings.column], settings, newRule: () => divisionFromColumn(settings) }
  }
  const chosen = chooseBoundary(divisions.boundaries ?? [], partition)
  if (!('boundary' in chosen))
    throw new WardbookError('boundaries-unusable', 'fix-config', chosen.mistake, {
      boundary: partition.boundary,
    })
  const map = await readMap(chosen.boundary)
  const published = from === undefined ? undefined : divisionFromColumn({ column: from, values })
  return { toldFrom: columnsOfPoint(point), newRule: () => divisionFromPoint(map, point, published) }
}

async function readMap({ id, file, property, values, sha256 }: BoundaryVersion): Promise<DivisionMap> {
  const bytes = await readFile(file).catch((cause) => {
    throw unusable(id, `its file ${file} cannot be read: ${cause.code}`, cause)
  })
  const found = sha256Hex(bytes)
  if (found !== sha256) {
    const expected =
      sha256 === undefined ? 'the city file was not loaded with its boundaries' : `it was ${sha256}`
    throw unusable(id, `the SHA-256 of ${file} is ${found}, and ${expected}; start again`)
  }
  const boundaries = readBoundaries(bytes.toString('utf8'), property, values, file)
  return { id, sha256: found, index: new PointIndex(boundaries) }
}

function unusable(boundary: string, reason: string, cause?: unknown): WardbookError {
  const message = `the boundaries '${boundary}' cannot be used: ${reason}`
  return new WardbookError('boundaries-unusable', 'fix-config', message, { boundary }, { cause })
}
