import type { PortalHooks } from '../../src/demo/portals/portal-server.js'
import { startSocrataPortal } from '../../src/demo/portals/socrata/socrata-portal.js'
import { type Edition, requestsTables } from './requests-table.js'

/**
 * A portal of one large table, in a process of its own: `fork('requests-portal.ts', [rows, mostRows])`. Whatever it is asked for, an answer has
 * no more rows than that: its export comes in pages. It tells its address to its parent, takes the edition to publish, answers each `asked` with
 * the requests since the last one, and ends with its parent.
 */
const [rows = 0, mostRows = 0] = process.argv.slice(2).map(Number)
const tables = requestsTables(rows)
let edition: Edition = 'first'
let told = 0

const portal = await startSocrataPortal(() => [tables[edition]], {}, remembering())
process.on('message', (order: Edition | 'asked') => {
  if (order !== 'asked') {
    edition = order
    return
  }
  const asked = portal.requests.slice(told).map(({ path, query }) => `${path}?${query}`)
  told += asked.length
  process.send?.(asked)
})
process.on('disconnect', () => process.exit(0))
process.send?.(portal.url)

/** Answers that were given are remembered, and nothing is compressed: the machine's time is for the reader, which asks hundreds of times. */
function remembering(): PortalHooks {
  const answers = new Map<string, Buffer>()
  return {
    rewrite: ({ headers: { 'accept-encoding': _, ...headers }, ...request }) => {
      const query = new URLSearchParams(request.query)
      if (Number(query.get('$limit')) > mostRows) query.set('$limit', String(mostRows))
      return { ...request, query, headers }
    },
    alter: ({ path, query }, answer) => {
      const asked = `${edition} ${path}?${query}`
      const body =
        answers.get(asked) ?? Buffer.concat([...answer.body].map((part) => Buffer.from(part as string)))
      answers.set(asked, body)
      return { ...answer, body: [body] }
    },
  }
}
