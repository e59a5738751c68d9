import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { citySchema } from './cli/commands.js'
import { KIND_NAMES, KINDS, requiredFields } from './contracts/kinds.js'
import { LAKE_VARIABLES } from './main/parse-lake-address.js'

const root = join(import.meta.dirname, '..')
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(
      (entry) =>
        entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.(test|fixture)\.|^test-/.test(entry.name),
    )
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Every `new WardbookError('code', 'remedy'` of the code; codes that are put together are spelled out here. */
function errorCodes(): Map<string, Set<string>> {
  const codes = new Map<string, Set<string>>([
    ['answered-html', new Set(['fix-source'])],
    ['answered-json', new Set(['fix-source'])],
    ['gzip-truncated', new Set(['fix-source'])],
    ['gzip-broken', new Set(['fix-source'])],
    ['city-file-invalid', new Set(['fix-config'])],
    ['city-file-unknown-key', new Set(['fix-config'])],
  ])
  for (const file of sourceFiles('src')) {
    for (const [, code, remedy] of readFileSync(file, 'utf8').matchAll(
      /(?:new WardbookError|\bfailure)\(\s*'([a-z0-9-]+)',\s*'([a-z-]+)'/g,
    )) {
      codes.set(code as string, (codes.get(code as string) ?? new Set()).add(remedy as string))
    }
  }
  return codes
}

describe('the documentation', () => {
  it('has a line with the remedy for every error code, and none for codes that do not exist', () => {
    const documented = new Map(
      [...read('docs', 'errors.md').matchAll(/^\| `([a-z0-9-]+)` \| ([a-z-]+)/gm)].map(([, code, remedy]) => [
        code,
        remedy,
      ]),
    )
    const codes = errorCodes()
    for (const [code, remedies] of codes) expect([...remedies], code).toContain(documented.get(code))
    expect([...documented.keys()].filter((code) => !codes.has(code as string))).toEqual([])
  })

  it('holds the JSON Schema of city files as the code has it; renew: wardbook city schema > docs/city-file.schema.json', () => {
    expect(JSON.parse(read('docs', 'city-file.schema.json'))).toEqual(
      JSON.parse(JSON.stringify(citySchema())),
    )
  })

  it('names every section and setting of the city file in docs/city-file.md', () => {
    const doc = read('docs', 'city-file.md')
    const settings = [
      'slug',
      'timeZone',
      'label',
      'members',
      'column',
      'from',
      'values',
      'key',
      'urls',
      'mirror',
      'delimiter',
      'mapping',
      'maxRate',
      'policy',
    ]
    const numbers = [
      'parts.maxRows',
      'parts.maxUncompressedBytes',
      'detect.alpha',
      'detect.falseDiscoveryRate',
      'detect.minExcess',
      'detect.minRatio',
    ]
    for (const setting of [...settings, ...numbers]) expect(doc, setting).toContain(setting)
  })

  it.each(KIND_NAMES)('names every field of %s in docs/city-file.md, and which are needed', (kind) => {
    const { fields, metric } = KINDS[kind]
    const named = fields.map(({ name }) =>
      requiredFields(kind).includes(name) ? `**\`${name}\`**` : `\`${name}\``,
    )
    expect(read('docs', 'city-file.md')).toContain(`| \`${kind}\` | ${metric} | ${named.join(', ')} |`)
  })

  it('names every address of the API in the README and in that of serve', () => {
    const routes = [...read('src', 'serve', 'server.tsx').matchAll(/app\.get\('(\/api\/v1\/[^']+)'/g)].map(
      ([, route]) => `\`${route?.replace(':index', '{index}')}\``,
    )
    expect(routes.length).toBeGreaterThan(5)
    for (const route of routes) {
      expect(read('README.md'), route).toContain(route)
      expect(read('src', 'serve', 'README.md'), route).toContain(route)
    }
  })

  it('has a line in docs/cli.md for every variable of the environment', () => {
    for (const variable of Object.keys(LAKE_VARIABLES))
      expect(read('docs', 'cli.md')).toContain(`\`${variable}\``)
  })

  it('links only to files that exist', () => {
    const targets = [...read('README.md').matchAll(/\]\((?!http)([^)#]+)\)/g)].map(
      (match) => match[1] as string,
    )
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([])
  })
})
