import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeForeign } from '../../../testkit/hive-folder.js'
import { makeLake, type TestLake } from '../../../testkit/lake-fixture.js'
import type { AdoptedDivision, AdoptJob, FileInput, SurveyedFile } from './adopt-job.js'

const CEILING_MIB = 320
const ROWS = 1_000_000
const BUDGET_BYTES = 256 * 2 ** 20
const DIST = join(import.meta.dirname, '..', '..', '..', 'dist')

/** A worker's process as the product starts it, that says its own peak at the end. */
const WORKER = `
const [task, lake, from, job] = process.argv.slice(2)
const { scopeTo } = await import(\`\${process.env.DIST}/lake/prefixes.js\`)
const { openStore, openOriginals } = await import(\`\${process.env.DIST}/main/open-store.js\`)
const { surveyFiles } = await import(\`\${process.env.DIST}/ingest/adopt/survey-files.js\`)
const { adoptDivisions } = await import(\`\${process.env.DIST}/ingest/adopt/adopt-divisions.js\`)
const store = scopeTo('ingest', await openStore(lake))
const work = task === 'survey' ? surveyFiles : adoptDivisions
const result = await work(store, JSON.parse(job), () => openOriginals(from, lake))
console.log(JSON.stringify({ result, peakMib: process.resourceUsage().maxRSS / 1024 }))
`

describe('the memory of a worker that copies', () => {
  let lake: TestLake
  let folder: string

  beforeAll(async () => {
    lake = await makeLake()
    folder = await mkdtemp(join(tmpdir(), 'wardbook-hive-'))
    await writeFile(join(folder, 'worker.mjs'), WORKER)
  })
  afterAll(async () => {
    await lake.remove()
    await rm(folder, { recursive: true, force: true })
  })

  function inWorker<Result>(task: string, job: object): { result: Result; peakMib: number } {
    const from = join(folder, 'files')
    const args = [
      '--max-old-space-size=192',
      join(folder, 'worker.mjs'),
      task,
      lake.folder,
      from,
      JSON.stringify({ from, root: '', ...job }),
    ]
    return JSON.parse(
      execFileSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, DIST } }),
    )
  }

  it(`stays below ${CEILING_MIB} MiB on a file of a whole part budget`, async () => {
    const text =
      "'Request ' || i || ' in street ' || (i % 997) AS title, md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS note"
    const typed =
      "TIMESTAMP '2024-01-01' + to_seconds(i) AS opened, i / 8 AS lat, md5((i * 7)::VARCHAR) AS a, md5((i * 11)::VARCHAR) AS b"
    await writeForeign(
      join(folder, 'files'),
      'ward=1/a.parquet',
      `SELECT i AS id, ${text}, ${typed} FROM range(${ROWS}) t(i)`,
    )
    const survey = inWorker<SurveyedFile[]>('survey', { paths: ['ward=1/a.parquet'] })
    const [file] = survey.result
    if (file === undefined) throw new Error('nothing was surveyed')
    const job: Omit<AdoptJob, 'root'> = {
      table: 'raw/calls/portal',
      snapshot: 0,
      partitionColumn: 'ward',
      columns: file.layout.map(([name]) => ({ name, type: 'string' as const })),
      key: 'id',
      budget: { maxRows: ROWS, maxUncompressedBytes: BUDGET_BYTES },
      registers: false,
      live: [],
      divisions: [{ division: '1', rows: file.rows, bytes: file.uncompressedBytes, files: [inputOf(file)] }],
    }
    const { result, peakMib } = inWorker<AdoptedDivision[]>('adopt', job)
    const parts = result.flatMap(({ parts }) => parts)
    expect(parts).toMatchObject([{ rows: ROWS }])
    expect(parts[0]?.uncompressedBytes).toBeGreaterThan(0.75 * BUDGET_BYTES)
    expect(Math.max(survey.peakMib, peakMib)).toBeLessThan(CEILING_MIB)
  }, 600_000)

  function inputOf({ path, sha256, rows, rowGroupBytes, layout }: SurveyedFile): FileInput {
    const cells = layout.map(([name, type]) => ({ column: name, from: name, type }))
    return { page: 0, path, sha256, rows, rowGroupBytes, cells, folder: {}, repeated: [] }
  }
})
