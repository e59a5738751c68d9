import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCity } from './load-city.js'

const FOLDER = join(import.meta.dirname, '..', '..', 'cities')
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'))
const textOf = (file: string) => readFileSync(join(FOLDER, file), 'utf8')
/** Comment lines before the first key, joined. */
const headOf = (file: string) => textOf(file).split(/^(?!#)/m)[0] ?? ''

describe('the city files', () => {
  it('are at least the ten cities that the README counts', () => {
    expect(FILES.length).toBeGreaterThanOrEqual(10)
  })

  it.each(FILES)('%s is a city file, named like its slug', (file) => {
    expect(`${parseCity(textOf(file), file).city.slug}.yaml`).toBe(file)
  })

  it.each(FILES)('%s says in its head whether it was tested on recordings', (file) => {
    const said = headOf(file).match(/\b(tested on recordings|untested)\b/gi) ?? []
    expect(said, headOf(file)).toHaveLength(1)
  })

  it.each(FILES)('%s names for every source something to read', (file) => {
    for (const [dataset, { sources }] of Object.entries(parseCity(textOf(file), file).datasets)) {
      for (const [name, source] of Object.entries(sources)) {
        const lists = ['urls', 'datasets', 'resources', 'layers', 'mirror'].flatMap(
          (list) => (source as unknown as Record<string, string[] | undefined>)[list] ?? [],
        )
        expect(lists.length > 0 || 'find' in source, `${dataset}/${name}`).toBe(true)
      }
    }
  })

  it.each(FILES)('%s takes the time of each column in the form in which its portals send it', (file) => {
    for (const { sources, mapping } of Object.values(parseCity(textOf(file), file).datasets)) {
      const formats = (mapping.requested_at as { formats: string[] }).formats
      const families = new Set(Object.values(sources).map(({ family }) => family))
      if (families.has('arcgis')) expect(formats).toContain('epoch-ms')
      if (families.has('socrata')) expect(formats).toContain('%Y-%m-%dT%H:%M:%S.%g')
      if (families.has('ckan')) expect(formats).toContain('%Y-%m-%dT%H:%M:%S')
    }
  })
})
