import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { PocketMirror } from '../pocket-mirror.js'

/** Divisions spelled in every way that breaks paths. */
export const AWKWARD_DIVISIONS = [
  ...[
    '%20x',
    '07',
    '7',
    'Ward 3',
    'unassigned',
    'citywide',
    'Côte-d’Or',
    'a/b',
    '..',
    '.',
    '"quoted"',
    "o'clock",
  ],
  ...[
    '',
    '#1 & more?',
    '東',
    'x=y',
    'back\\slash',
    'a:b*c|d<e>',
    ' blank ',
    '%2F',
    'null',
    '__HIVE_DEFAULT_PARTITION__',
  ],
]

/** A city of {@link AWKWARD_DIVISIONS}, two requests each. */
export async function writeAwkwardCity(folder: string): Promise<PocketMirror> {
  const mirror = join(folder, 'awkward')
  await mkdir(mirror, { recursive: true })
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
  const rows = AWKWARD_DIVISIONS.flatMap((division, at) =>
    ['Pothole', 'Graffiti'].map(
      (type, day) => `${at}-${day},2026-01-0${day + 1} 08:00:00,${type},${quote(division)}`,
    ),
  )
  await writeFile(join(mirror, 'requests.csv'), `id,opened,type,district\n${rows.join('\n')}\n`)
  const city = {
    city: { slug: 'awkward', name: 'Awkward', timeZone: 'UTC' },
    datasets: {
      requests: {
        name: 'Requests',
        kind: 'service-requests',
        partition: { column: 'district' },
        key: 'id',
        sources: { all: { family: 'files', mirror: ['*.csv'] } },
        mapping: { service_name: 'type', requested_at: { from: 'opened', formats: ['%Y-%m-%d %H:%M:%S'] } },
      },
    },
  }
  const cityFile = join(folder, 'awkward.yaml')
  await writeFile(cityFile, stringify(city))
  return { cityFile, mirror }
}
