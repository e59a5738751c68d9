import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { askedOf, isArcgisPage, onArcgisPages } from '../../../testkit/arcgis-trial.js'
import { trialTable, trialTools } from '../../../testkit/portal-trial.js'
import { readWhole } from '../../../testkit/read-source.js'
import { ArcgisSource } from '../../contracts/sources/arcgis.js'
import { type Misbehave, startArcgisPortal } from '../../demo/portals/arcgis/arcgis-portal.js'
import { type ArcgisVariant, SERVER_10_1 } from '../../demo/portals/arcgis/variant.js'
import type {
  PortalAnswer,
  PortalHooks,
  PortalRequest,
  RunningPortal,
} from '../../demo/portals/portal-server.js'
import type { WardbookError } from '../../kernel/errors.js'
import { openArcgisSource } from './arcgis-source.js'

const portals: RunningPortal[] = []
afterEach(async () => {
  for (const portal of portals.splice(0)) await portal.close()
})

const ALL = Array.from({ length: 40 }, (_, at) => at)
const TABLE = trialTable({ number: 'number', note: 'text' }, ALL.map((number) => [String(number), `note ${number}`])) // biome-ignore format: a line

interface Trouble {
  readonly tables?: () => readonly (typeof TABLE)[]
  readonly variant?: Partial<ArcgisVariant>
  readonly hooks?: PortalHooks
  readonly misbehave?: Misbehave
}

async function open({ tables = () => [TABLE], variant, hooks, misbehave }: Trouble, env = {}) {
  const portal = await startArcgisPortal(tables, variant, hooks, misbehave)
  portals.push(portal)
  const service = `${portal.url}/arcgis/rest/services/Requests/FeatureServer`
  const config = ArcgisSource.parse({ family: 'arcgis', service, pageRows: 10 })
  return openArcgisSource('requests', config, trialTools(env))
}

/** What a read comes to: the rows and what the portal counts, or the error. */
async function outcomeOf(trouble: Trouble, env = {}) {
  try {
    const { rows, publication } = await readWhole(await open(trouble, env), { tries: 1 })
    return { numbers: rows.map((row) => Number(row.number)), counted: publication.offers[0]?.rows }
  } catch (thrown) {
    const { code, remedy, message } = thrown as WardbookError
    return { code, remedy, message }
  }
}

/** Changes answers to pages. */
function altered(change: (answer: PortalAnswer) => PortalAnswer, from = 1, times = 1): PortalHooks {
  const isHit = onArcgisPages(true, from, times)
  return { alter: (request, answer) => (isHit(request) ? change(answer) : answer) }
}

const status =
  (code: number, headers = {}) =>
  () => ({ status: code, headers, body: ['<html>error</html>'] })
const counting = (countOff: number) => (request: PortalRequest) =>
  askedOf(request).has('returnCountOnly') ? { countOff } : undefined
const bytesOf = ({ body }: PortalAnswer) =>
  Buffer.concat([...body].map((part) => Buffer.from(part as string)))
const error = (code: number, message: string) => ({ error: { code, message } })

const OVERCOME: Readonly<Record<string, Trouble>> = {
  'caps pages silently below what was asked for': {
    misbehave: onArcgisPages({ capRows: 3, dropFlag: true }),
  },
  'caps pages and says so': { misbehave: onArcgisPages({ capRows: 3 }) },
  'leaves out the flag': { misbehave: onArcgisPages({ dropFlag: true }) },
  'leaves out the flag and cannot count': {
    variant: { counts: false },
    misbehave: onArcgisPages({ dropFlag: true }),
  },
  'sends an empty page and says there is more': { misbehave: onArcgisPages({ emptyWithFlag: true }, 2, 1) },
  'answers 500 once': { hooks: altered(status(500)) },
  'answers a vague error once': {
    misbehave: onArcgisPages(error(400, 'Unable to complete operation.'), 1, 1),
  },
  'is busy for a while': { hooks: altered(status(503), 1, 2) },
  throttles: { hooks: altered(status(429, { 'retry-after': '7' })) },
  'counts too few and drops the flag': {
    misbehave: (request) =>
      counting(-15)(request) ?? (isArcgisPage(request) ? { dropFlag: true } : undefined),
  },
}

describe('a layer is read exactly although the server', () => {
  it.each(Object.entries(OVERCOME))('%s', async (_title, trouble) => {
    expect(await outcomeOf(trouble)).toMatchObject({ numbers: ALL })
  })
})

const FAILURES: Readonly<Record<string, Trouble & { code: string; remedy: string }>> = {
  'breaks the connection after its 200': {
    hooks: altered((answer) => ({ ...answer, breakAfterBytes: 200 })),
    ...{ code: 'portal-broke-off', remedy: 'retry' },
  },
  'sends a page that ends too early': {
    hooks: altered((answer) => ({ ...answer, body: [bytesOf(answer).subarray(0, 400)] })),
    ...{ code: 'json-broken', remedy: 'fix-source' },
  },
  'sends a web page': {
    hooks: altered((answer) => ({
      ...answer,
      body: ['<!DOCTYPE html><html><body>Maintenance</body></html>'],
    })),
    ...{ code: 'answered-html', remedy: 'fix-source' },
  },
  'stays down': { hooks: altered(status(500), 1, 99), code: 'portal-failed', remedy: 'retry' },
  'ignores the condition': {
    misbehave: onArcgisPages({ ignoreWhere: true }),
    ...{ code: 'portal-answer-unusable', remedy: 'fix-source' },
  },
  'says for ever that there is more': {
    misbehave: onArcgisPages({ emptyWithFlag: true }, 1),
    ...{ code: 'portal-answer-unusable', remedy: 'fix-source' },
  },
  'refuses the query': {
    misbehave: onArcgisPages(error(400, 'Invalid field: X')),
    ...{ code: 'portal-rejected-request', remedy: 'fix-source' },
  },
  'has lost the layer': {
    misbehave: onArcgisPages(error(404, 'Not found')),
    ...{ code: 'source-not-found', remedy: 'fix-source' },
  },
  'throttles in its body': {
    misbehave: onArcgisPages(error(429, 'Too many requests')),
    ...{ code: 'portal-throttled', remedy: 'retry' },
  },
  'wants a token': { variant: { token: 'secret' }, code: 'portal-refused', remedy: 'fix-config' },
  'cuts off a range of ids and says so': {
    variant: { ...SERVER_10_1, flag: 'when-true' },
    misbehave: onArcgisPages({ capRows: 3 }),
    ...{ code: 'portal-row-cap', remedy: 'fix-source' },
  },
}

describe('a read fails with the right remedy when the server', () => {
  it.each(Object.entries(FAILURES))('%s', async (_title, { code, remedy, ...trouble }) => {
    expect(await outcomeOf(trouble)).toMatchObject({ code, remedy })
  })

  it('compresses a page twice: never taken for rows', async () => {
    const twice = altered((answer) => ({ ...answer, body: [gzipSync(bytesOf(answer))] }))
    expect(await outcomeOf({ hooks: twice })).toMatchObject({ remedy: 'fix-source' })
  })

  it('does not take the token, which is then not shown', async () => {
    const outcome = await outcomeOf({ variant: { token: 'secret' } }, { ARCGIS_TOKEN: 'outdated' })
    expect(outcome).toMatchObject({ code: 'portal-refused', remedy: 'fix-config' })
    expect(outcome.message).not.toContain('outdated')
  })
})

const DIFFERENT: Readonly<Record<string, Trouble>> = {
  'counts too few': { misbehave: counting(-7) },
  'counts too many': { misbehave: counting(7) },
  'gives rows in another order': { misbehave: onArcgisPages({ reorder: true }) },
  'cuts off ranges of ids and does not say so': {
    variant: SERVER_10_1,
    misbehave: onArcgisPages({ capRows: 3 }),
  },
}

describe('rows and count differ, so that nobody takes them for the whole table, when the server', () => {
  it.each(Object.entries(DIFFERENT))('%s', async (_title, trouble) => {
    const { numbers, counted } = await outcomeOf(trouble)
    expect(counted).toBeDefined()
    expect(numbers?.length).not.toBe(counted)
  })
})

describe('a layer that changes while it is read', () => {
  it('gives every row that stays exactly once', async () => {
    const gone = new Set<number>()
    let pages = 0
    // A row that goes leaves a gap in the ids, as in a real layer: rows keep theirs.
    const staying = () => ALL.filter((number) => !gone.has(number))
    const tables = () => [
      trialTable(
        { number: 'number', note: 'text' },
        staying().map((number) => [String(number), 'n']),
      ),
    ]
    const variant = { objectId: (row: number) => BigInt(staying()[row] ?? 0) }
    const hooks: PortalHooks = {
      rewrite: (request) => {
        if (isArcgisPage(request)) for (const number of [pages * 3, 39 - pages++]) gone.add(number)
        return request
      },
    }
    const { numbers = [] } = await outcomeOf({ tables, variant, hooks })
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(staying().filter((number) => !numbers.includes(number))).toEqual([])
  })
})
