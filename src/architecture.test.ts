import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = import.meta.dirname
const STAGES = ['ingest', 'harmonize', 'measure', 'detect', 'ledger', 'correlate', 'power']

/**
 * What each folder may import of ours. Stages meet in tables, messages and contracts, so none stands in another's row. Only
 * main knows all folders: it puts them together. The command line talks to main; demo brings the bundled city.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  contracts: ['kernel'],
  stats: ['kernel'],
  words: ['kernel', 'contracts'],
  lake: ['kernel', 'contracts'],
  queue: ['kernel', 'contracts'],
  sources: ['kernel', 'contracts'],
  ingest: ['kernel', 'contracts', 'lake', 'sources'],
  harmonize: ['kernel', 'contracts', 'lake'],
  measure: ['kernel', 'contracts', 'lake'],
  detect: ['kernel', 'contracts', 'lake', 'stats', 'words'],
  ledger: ['kernel', 'contracts', 'lake'],
  correlate: ['kernel', 'contracts', 'lake', 'stats', 'words'],
  power: ['kernel', 'contracts', 'lake', 'stats', 'words'],
  serve: ['kernel', 'contracts', 'lake', 'words'],
  cli: ['kernel', 'contracts', 'main', 'demo', 'lake/prefixes'],
  demo: ['kernel', 'contracts'],
  main: [
    ...['kernel', 'contracts', 'lake', 'queue', 'sources', 'serve'],
    ...['ingest', 'harmonize', 'measure', 'detect', 'ledger', 'correlate', 'power'],
  ],
}

/** Where a vendor's SDK may be imported: in the adapters that hide it. */
const SDK_HOMES: readonly { readonly sdk: RegExp; readonly homes: readonly string[] }[] = [
  { sdk: /^@duckdb\//, homes: ['lake/duckdb'] },
  { sdk: /^@(aws-sdk|smithy)\//, homes: ['lake/s3', 'queue/sqs'] },
  { sdk: /^(@nats-io\/|nats$)/, homes: ['queue/nats'] },
]

/** Adapters of which main picks one; everybody else holds the port. */
const PICKED_ADAPTERS = ['lake/local', 'lake/s3', 'queue/embedded', 'queue/sqs', 'queue/nats']

interface Import {
  /** The importing file, below src/. */
  readonly from: string
  /** The imported file below src/, without extension, or a package's name as written. */
  readonly to: string
}

describe('the folders of src/', () => {
  const imports = sourceFiles().flatMap((file) => importsOf(file, readFileSync(join(SRC, file), 'utf8')))

  it('are all in the table of what may import what', () => {
    const folders = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(folders.map(({ name }) => name).filter((name) => MAY_IMPORT[name] === undefined)).toEqual([])
  })

  it('import one another only as that table says', () => {
    expect(imports.length).toBeGreaterThan(200)
    expect(imports.flatMap(wrongFolder)).toEqual([])
  })

  it('leave vendor SDKs to their adapters', () => {
    expect(imports.flatMap(wrongSdk)).toEqual([])
  })

  it('leave the choice of adapters to main', () => {
    expect(imports.flatMap(wrongAdapter)).toEqual([])
  })

  it('import nothing from outside src/ but packages', () => {
    expect(imports.filter(({ to }) => to.startsWith('..')).map(show)).toEqual([])
  })
})

describe('the rules of imports', () => {
  const judge = (from: string, to: string) =>
    [wrongFolder, wrongSdk, wrongAdapter].flatMap((rule) => rule({ from, to }))

  it('catch a stage that imports another stage, whichever they are', () => {
    for (const one of STAGES) {
      for (const other of STAGES.filter((stage) => stage !== one)) {
        expect(judge(`${one}/a.ts`, `${other}/b`), `${one} ${other}`).toEqual([
          `${one}/a.ts may not import ${other}/b`,
        ])
      }
    }
  })

  it('catch a face that imports a stage', () => {
    for (const face of ['serve', 'cli']) {
      for (const stage of STAGES)
        expect(judge(`${face}/a.ts`, `${stage}/b`), `${face} ${stage}`).toHaveLength(1)
    }
  })

  it.each([
    ['a kernel that imports ours', 'kernel/ids.ts', 'contracts/columns'],
    ['mathematics that knows a city', 'stats/normal.ts', 'contracts/city-file'],
    ['contracts that import the lake', 'contracts/message.ts', 'lake/tables'],
    ['a lake that imports a stage', 'lake/tables.ts', 'ingest/settle'],
    ['a stage that reads a portal by itself', 'harmonize/typing-sql.ts', 'sources/source'],
    ['a face that reads a portal', 'serve/server.tsx', 'sources/source'],
    ['a stage that imports main', 'detect/claim.ts', 'main/pipeline'],
    ['a command line that writes to the lake', 'cli/commands.ts', 'lake/store'],
    ['demo that runs a stage', 'demo/demo-city.ts', 'ingest/settle'],
    ['the engine outside its adapter', 'ingest/write-parts.ts', '@duckdb/node-api'],
    ['the engine elsewhere in the lake', 'lake/parts.ts', '@duckdb/node-api'],
    ['AWS outside its adapters', 'main/aws.ts', '@aws-sdk/client-s3'],
    ['AWS in another adapter', 'lake/local/local-store.ts', '@aws-sdk/client-s3'],
    ['NATS outside its adapter', 'queue/queue.ts', '@nats-io/jetstream'],
    ['an adapter picked by the lake itself', 'lake/append-rows.ts', 'lake/local/local-store'],
    ['a queue picked by its port', 'queue/queue.ts', 'queue/embedded/embedded-queue'],
    ['an adapter that uses another', 'lake/s3/client.ts', 'lake/local/local-store'],
  ])('catch %s', (_what, from, to) => {
    expect(judge(from, to)).toEqual([expect.stringContaining(`${from} may not import ${to}`)])
  })

  it.each([
    ['ingest/ingest-source.ts', 'sources/source'],
    ['main/pipeline.ts', 'detect/detect-dataset'],
    ['main/open-store.ts', 'lake/local/local-store'],
    ['cli/commands.ts', 'lake/prefixes'],
    ['lake/duckdb/engine.ts', '@duckdb/node-api'],
    ['lake/s3/client.ts', '@aws-sdk/client-s3'],
    ['lake/local/local-store.ts', 'lake/local/sweep'],
  ])('let %s import %s', (from, to) => {
    expect(judge(from, to)).toEqual([])
  })

  it('see every form of an import', () => {
    const text = `
import { a } from '../kernel/a.js'
import type { B } from '../kernel/b.js'
import {
  c,
  type D,
} from "../kernel/c.js"
import '../kernel/d.js'
export { e } from '../kernel/e.js'
export * from '../kernel/f.js'
const g = await import('../kernel/g.js')
type H = import('../kernel/h.js').H
import i from 'some-package/deep.js'
import { join } from 'node:path'
const k = createRequire(import.meta.url)('../kernel/k.js')
// import { no } from '../kernel/comment.js'
/** Example: import { no } from '../kernel/comment.js' */
`
    expect(
      importsOf('serve/web/page.tsx', text.replaceAll('../kernel', '../../kernel')).map(({ to }) => to),
    ).toEqual([
      ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `kernel/${name}`),
      'some-package/deep.js',
      'node:path',
      'kernel/k',
    ])
  })
})

function wrongFolder(one: Import): string[] {
  const [from, to] = [folderOf(one.from), folderOf(one.to)]
  const allowed = MAY_IMPORT[from] ?? []
  const isOurs = MAY_IMPORT[to] !== undefined && one.to.includes('/')
  return !isOurs || from === to || allowed.includes(to) || allowed.includes(one.to) ? [] : [show(one)]
}

function wrongSdk(one: Import): string[] {
  const rule = SDK_HOMES.find(({ sdk }) => sdk.test(one.to))
  return rule === undefined || rule.homes.some((home) => isIn(one.from, home)) ? [] : [show(one)]
}

function wrongAdapter(one: Import): string[] {
  const adapter = PICKED_ADAPTERS.find((folder) => isIn(one.to, folder))
  if (adapter === undefined || isIn(one.from, adapter) || folderOf(one.from) === 'main') return []
  // A folder that may not import the port's folder at all has been caught already.
  return wrongFolder(one).length > 0 ? [] : [show(one)]
}

function show({ from, to }: Import): string {
  return `${from} may not import ${to}`
}

function folderOf(path: string): string {
  return path.split('/')[0] as string
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`)
}

/** Files of the product, below src/: tests and what serves them may import what they need. */
function sourceFiles(): string[] {
  return (readdirSync(SRC, { recursive: true }) as string[])
    .filter(
      (file) => /\.tsx?$/.test(file) && !/(\.test\.tsx?|\.fixture\.ts|(^|\/)test-[^/]*\.ts)$/.test(file),
    )
    .sort()
}

const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm
/** `from '…'` of imports and exports, `import '…'`, `import('…')`, and what a `createRequire` gives. */
const IMPORT = /(?:\bfrom|\bimport|\bcreateRequire\(import\.meta\.url\))\s*\(?\s*(['"])([^'"]+)\1/g

/** What a file imports; paths are resolved against its folder. */
function importsOf(file: string, text: string): Import[] {
  return [...text.replaceAll(COMMENT, '').matchAll(IMPORT)].map(([, , target = '']) => ({
    from: file,
    to: target.startsWith('.') ? join(file, '..', target).replace(/\.[jt]sx?$/, '') : target,
  }))
}
