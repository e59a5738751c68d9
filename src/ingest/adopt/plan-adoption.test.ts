import { describe, expect, it } from 'vitest'
import { DATASET, testCity } from '../../../testkit/test-city.js'
import type { Column } from '../../contracts/columns.js'
import type { LayoutColumn } from './adopt-job.js'
import {
  type LastAdoption,
  type NumberedFile,
  numberPaths,
  recordOf,
  unchangedFile,
} from './adoption-record.js'
import { type AdoptionFacts, planAdoption } from './plan-adoption.js'

const dataset = testCity().datasets[DATASET]
const PLAIN: readonly LayoutColumn[] = [
  ['id', 'BIGINT'],
  ['Type', 'VARCHAR'],
]
const NOTHING: LastAdoption = { record: undefined, files: [] }

function file(page: number, path: string, layout = PLAIN): NumberedFile {
  const times = { modifiedAt: '2026-01-01T00:00:00.000Z', readAt: '2026-01-02T00:00:00.000Z' }
  const sizes = { bytes: 100, rows: 10, uncompressedBytes: 200, rowGroupBytes: 200 }
  return { page, path, sha256: `sha-of-${path}`, layout, ...sizes, ...times }
}

function plan(files: readonly NumberedFile[], changes: Partial<AdoptionFacts> = {}) {
  const facts = { files, last: NOTHING, folderKey: 'District', mode: 'register' as const, existing: [] }
  return planAdoption({ ...facts, dataset: dataset as never, partitionColumn: undefined, ...changes })
}

/** The facts after `files` were adopted as planned. */
function adoptedBefore(files: readonly NumberedFile[], first = plan(files)): Partial<AdoptionFacts> {
  const last = { record: recordOf(first.mode, 'District', files), files }
  return { last, existing: first.columns, partitionColumn: 'council_district' }
}

describe('the plan of an adoption', () => {
  const files = [
    file(0, 'District=1/a.parquet'),
    file(1, 'District=1/b.parquet'),
    file(2, 'District=2/a.parquet'),
  ]

  it('takes all divisions the first time, each with all its files', () => {
    const { mode, written, kept, gone, columns } = plan(files)
    expect({ mode, kept, gone }).toEqual({ mode: 'register', kept: [], gone: [] })
    expect(written.map(({ division, files, rows, bytes }) => [division, files.length, rows, bytes])).toEqual([
      ['1', 2, 20, 400],
      ['2', 1, 10, 200],
    ])
    expect(columns).toEqual([
      { name: 'id', type: 'long', metadata: { published: 'id', identity: 'id', published_type: 'BIGINT' } },
      { name: 'Type', type: 'string', metadata: { published: 'Type', identity: 'type' } },
      { name: 'District', type: 'string', metadata: { published: 'District', identity: 'district' } },
    ])
  })

  it('keeps every division whose files are as they were', () => {
    expect(plan(files, adoptedBefore(files))).toMatchObject({ written: [], kept: ['1', '2'], gone: [] })
    const changed = [
      files[0] as NumberedFile,
      { ...(files[1] as NumberedFile), sha256: 'other' },
      file(3, 'District=3/c.parquet'),
    ]
    const next = plan(changed, adoptedBefore(files))
    expect(next.written.map(({ division }) => division)).toEqual(['1', '3'])
    expect(next.gone).toEqual(['2'])
  })

  it('takes all divisions again when mode, folder key, partition column or columns are others', () => {
    const before = adoptedBefore(files)
    expect(plan(files, { ...before, mode: 'copy' }).kept).toEqual([])
    expect(plan(files, { ...before, partitionColumn: 'ward' }).kept).toEqual([])
    const wider = file(3, 'District=3/c.parquet', [...PLAIN, ['Channel', 'VARCHAR']])
    expect(plan([...files, wider], before).kept).toEqual([])
  })

  it.each<[string, readonly LayoutColumn[], string]>([
    ['a type that our tables lack', [['fee', 'DECIMAL(9,2)']], 'column fee is DECIMAL(9,2)'],
    ['a local time', [['Opened', 'TIMESTAMP']], 'column Opened is TIMESTAMP'],
    [
      'nanoseconds',
      [['Opened', 'TIMESTAMP WITH TIME ZONE (nanoseconds)']],
      'column Opened is TIMESTAMP WITH TIME ZONE (nanoseconds)',
    ],
    ['another type in another file', [['id', 'INTEGER']], 'column id has several types: BIGINT, INTEGER'],
    [
      'a name that engines refuse',
      [['Case Title', 'VARCHAR']],
      'column Case Title would have to be called Case_Title',
    ],
    ['a name of ours', [['_row_hash', 'BIGINT']], 'column _row_hash would have to be called _row_hash_2'],
    ['another spelling of a name', [['TYPE', 'VARCHAR']], 'column TYPE would have to be called Type'],
  ])('copies all files as text when one has %s', (_what, layout, reason) => {
    const { mode, copiedBecause, columns } = plan([...files, file(3, 'District=3/c.parquet', layout)])
    expect(mode).toBe('copy')
    expect(copiedBecause).toEqual([reason])
    expect(columns.every(({ type }: Column) => type === 'string')).toBe(true)
  })

  it('has all types of a column in its flag', () => {
    const { typed } = plan(
      [
        ...files,
        file(3, 'District=3/c.parquet', [
          ['id', 'DOUBLE'],
          ['Type', 'VARCHAR'],
        ]),
      ],
      { mode: 'copy' },
    )
    expect(typed).toEqual([{ column: 'id', type: 'BIGINT, DOUBLE' }])
  })
})

describe('what is known of a file', () => {
  const known = file(4, 'District=1/a.parquet')
  const last: LastAdoption = { record: undefined, files: [known] }
  const found = { path: known.path, bytes: known.bytes, modifiedAt: new Date(known.modifiedAt) }

  it('holds while name, size and time are the same, and its time was old when it was read', () => {
    expect(unchangedFile(last, found)).toBe(known)
    expect(unchangedFile(last, { ...found, path: 'District=1/b.parquet' })).toBeUndefined()
    expect(unchangedFile(last, { ...found, bytes: 101 })).toBeUndefined()
    expect(unchangedFile(last, { ...found, modifiedAt: new Date('2026-01-01T00:00:01Z') })).toBeUndefined()
    const fresh = { ...known, readAt: '2026-01-01T00:00:02.000Z' } // another write may have the same second
    expect(unchangedFile({ ...last, files: [fresh] }, found)).toBeUndefined()
  })

  it('is its number too: new files follow, whatever their names', () => {
    expect([...numberPaths(last, ['District=0/new.parquet', known.path, 'District=9/new.parquet'])]).toEqual([
      ['District=0/new.parquet', 5],
      [known.path, 4],
      ['District=9/new.parquet', 6],
    ])
  })
})
