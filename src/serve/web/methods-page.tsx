import type { VNode } from 'preact'
import type { CityFile } from '../../contracts/city-file.js'
import {
  ENDS_AFTER_INSIDE,
  OPENS_AFTER,
  OPENS_AT_ONCE,
  RETURNS_WITHIN_WINDOWS,
  SEVERITY,
} from '../../contracts/finding-rules.js'
import { catalogFor } from '../../words/sentences.js'
import { metricsOf } from '../counted-metrics.js'
import { methodSettings } from '../methods.js'
import { Layout } from './layout.js'
import { OtherForms } from './parts.js'
import { Scroll } from './scroll.js'

/** How findings are made and how to read them, in plain words, with the numbers that hold for this city. */
export function MethodsPage({ city }: { city: CityFile }): VNode {
  const { falseDiscoveryRate, minExcess, minRatio } = city.detect
  const words = catalogFor(city.city.locale)
  const metrics = metricsOf(city)
  return (
    <Layout
      city={city}
      title="Methods"
      crumbs={[{ label: city.city.name, address: '/' }, { label: 'Methods' }]}
    >
      <h1>How findings are made, and how to read them</h1>
      <OtherForms segments={['methods']} forms={FORMS} />
      <h2 id="counting">What is counted</h2>
      <p>
        The city publishes its {words.counted(metrics)}. We count them for each week, Monday to Sunday in the
        city's own time, for each {city.divisions.label.toLowerCase()} and each category in the publisher's
        own words. Such a row of weekly counts is a series. A week that the publication does not cover is a
        gap, never a zero.
      </p>
      <h2 id="expected">What is expected</h2>
      <p>
        For each series and week, a regression over earlier years (about the same weeks, the trend, and the
        season) gives the count to expect and the range in which nearly all normal weeks fall. The newest half
        year before the week is left out, so that a change under way does not hide itself; past weeks that
        were far out count less. Weeks that vary more than chance alone get a wider range. The method is the
        one public health agencies use to watch for outbreaks (Farrington et al. 1996; Noufaily et al. 2013).
      </p>
      <h2 id="finding">When it becomes a finding</h2>
      <p>
        Each test has a p-value: how often a normal week would be at least this far out. With hundreds of
        series some normal weeks look unusual every week, so all tests of a dataset and week are judged
        together (Benjamini–Hochberg): a week is outside when its q-value is at most {falseDiscoveryRate}, its
        count is at least {minExcess} above what was expected, and at least {minRatio} times as many. A
        finding opens at once when q is at most {OPENS_AT_ONCE.maxQ} and the count is at least{' '}
        {OPENS_AT_ONCE.minRatio} times the expected one; otherwise when {OPENS_AFTER.outside} of{' '}
        {OPENS_AFTER.of} weeks are outside. It ends after {ENDS_AFTER_INSIDE} weeks inside. A series that
        leaves its range again within {RETURNS_WITHIN_WINDOWS} weeks continues the same finding. Weeks that
        follow each other are one finding, with one address for ever.
      </p>
      <h2 id="q">What q says, and what it does not</h2>
      <p>
        Of findings flagged at a q of 0.01, about 1 in 100 is expected to be chance. It is not the probability
        that this one finding is chance, and it says nothing about why a count changed.
      </p>
      <h2 id="severity">Severity</h2>
      <p>
        High: the clearest week has a q of at most {SEVERITY.maxQ} and the count over the whole span is at
        least {SEVERITY.minRatio} times what was expected. Medium: one of the two. Low: neither. The word says
        nothing about how much harm was done. Lists show high before medium before low and, within a word, the
        largest distance in {words.noun(...metrics).many} first.
      </p>
      <h2 id="limits">What it does not say</h2>
      <p>
        {words.notSaid(metrics)} A new app, a campaign, one busy reporter or a changed category name can move
        a count. A fall can mean less trouble or fewer reports. The newest weeks may still grow as late rows
        arrive. Two things that change together need not cause one another.
      </p>
      <h2 id="receipt">The receipt</h2>
      <p>
        Every finding is written to a ledger that can only grow. Its page shows the tables, files and query it
        was computed from, and a proof that the ledger holds it, in the form that certificate logs use (RFC
        6962). When the publisher corrects its data, the finding is corrected or withdrawn by a new entry; its
        page stays.
      </p>
      <h2 id="privacy">Privacy</h2>
      <p>
        Addresses are shown to the block. Coordinates, contact fields and free text are not shown. Pages, CSV,
        JSON and the API all read through the same view, so no form shows more than another.
      </p>
      <h2 id="settings">Settings of this city</h2>
      <Scroll label="Settings">
        <table>
          <thead>
            <tr>
              <th>Setting</th>
              <th class="number">Value</th>
              <th>Meaning</th>
            </tr>
          </thead>
          <tbody>
            {methodSettings(city).map(({ setting, value, meaning }) => (
              <tr key={setting}>
                <td>{setting}</td>
                <td class="number">{value}</td>
                <td>{meaning}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Layout>
  )
}

const FORMS = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
] as const
