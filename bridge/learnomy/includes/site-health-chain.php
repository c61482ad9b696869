<?php
/**
 * Tries the whole chain between WordPress and the backend, and says what to do about each link that does not hold.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The links, in order. A finding is `{id, status: good|recommended|critical, text}`.
 */
final class Site_Chain {

	const MOST_SKEW_MS  = 5000;
	const OLD_RECORD    = DAY_IN_SECONDS;
	const LATE_SECONDS  = 30;

	/**
	 * Findings so far.
	 *
	 * @var array[]
	 */
	private $findings = array();

	/**
	 * Why the backend hands requests over to WordPress, in its own words.
	 *
	 * @var string
	 */
	private $needed = '';

	/**
	 * Tries everything.
	 *
	 * @return array[] Findings.
	 */
	public static function run(): array {
		$chain = new self();
		if ( $chain->secret() && $chain->address() && $chain->backend() ) {
			$chain->worker();
		}
		$chain->loopback();
		$chain->doors();
		$chain->plugins();
		$chain->record();
		$chain->stub();
		return $chain->findings;
	}

	/**
	 * The worst status of some findings.
	 *
	 * @param array[] $findings Findings.
	 * @return string
	 */
	public static function worst( array $findings ): string {
		$found = wp_list_pluck( $findings, 'status' );
		foreach ( array( 'critical', 'recommended' ) as $status ) {
			if ( in_array( $status, $found, true ) ) {
				return $status;
			}
		}
		return 'good';
	}

	/**
	 * Adds a finding.
	 *
	 * @param string $id     Link.
	 * @param string $status good, recommended or critical.
	 * @param string $text   What is so, and what to do.
	 * @return bool Whether the link holds.
	 */
	private function note( string $id, string $status, string $text ): bool {
		$this->findings[] = array(
			'id'     => $id,
			'status' => $status,
			'text'   => $text,
		);
		return 'critical' !== $status;
	}

	/**
	 * The pairing secret.
	 *
	 * @return bool
	 */
	private function secret(): bool {
		if ( Channel_Keys::are_usable() ) {
			return $this->note( 'secret', 'good', __( 'The pairing secret is long enough.', 'learnomy' ) );
		}
		return $this->note( 'secret', 'critical', __( 'LEARNOMY_SECRET is missing or shorter than 32 characters. Give it the same long random value in wp-config.php and in the backend\'s environment, or remove it from both and connect again.', 'learnomy' ) );
	}

	/**
	 * The backend's address.
	 *
	 * @return bool
	 */
	private function address(): bool {
		if ( Bridge_Options::is_paired() ) {
			/* translators: %s: address of the backend. */
			return $this->note( 'address', 'good', sprintf( __( 'This site is paired with the backend at %s.', 'learnomy' ), Bridge_Options::address() ) );
		}
		return $this->note( 'address', 'critical', __( 'This site is not connected to a backend. Start the backend, then press Connect under Learnomy Settings, or run wp learnomy pair.', 'learnomy' ) );
	}

	/**
	 * Whether the backend answers, knows us, has our time and our version.
	 *
	 * @return bool
	 */
	private function backend(): bool {
		$breaker = new Breaker( Bridge_Options::address() );
		if ( $breaker->is_open() ) {
			/* translators: %d: seconds. */
			$this->note( 'breaker', 'recommended', sprintf( __( 'The backend failed several times in a row, so requests are refused at once; the next is let through in %d seconds.', 'learnomy' ), $breaker->retry_after() ) );
		}
		$began = Channel::now_ms();
		$reply = Channel::call( 'ping', array(), array( 'force' => true ) );
		if ( is_wp_error( $reply ) ) {
			return $this->note( 'backend', 'critical', $this->explain( $reply ) );
		}
		/* translators: %d: milliseconds. */
		$this->note( 'backend', 'good', sprintf( __( 'The backend answers in %d ms, and its replies are signed.', 'learnomy' ), Channel::now_ms() - $began ) );
		$skew = (int) ( $reply['time_ms'] ?? 0 ) - intdiv( $began + Channel::now_ms(), 2 );
		if ( abs( $skew ) > self::MOST_SKEW_MS ) {
			/* translators: %s: seconds. */
			$this->note( 'clock', 'recommended', sprintf( __( 'The backend\'s clock is %s seconds away from this server\'s; beyond 60 its requests are refused. Let both take their time from NTP.', 'learnomy' ), number_format_i18n( $skew / 1000, 1 ) ) );
		} else {
			$this->note( 'clock', 'good', __( 'Both clocks agree.', 'learnomy' ) );
		}
		$version = (string) ( $reply['backend_version'] ?? '' );
		if ( LEARNOMY_BACKEND_VERSION !== $version ) {
			/* translators: 1: version of the backend, 2: version of the plugin. */
			$this->note( 'versions', 'recommended', sprintf( __( 'The backend is version %1$s and the plugin was made for %2$s. Update the older one.', 'learnomy' ), $version, LEARNOMY_BACKEND_VERSION ) );
		} else {
			$this->note( 'versions', 'good', __( 'Plugin and backend are of one version.', 'learnomy' ) );
		}
		return true;
	}

	/**
	 * What to do about a backend that does not answer.
	 *
	 * @param \WP_Error $error Error of the channel.
	 * @return string
	 */
	private function explain( \WP_Error $error ): string {
		$data    = (array) $error->get_error_data();
		$failure = (string) ( $data['failure'] ?? '' );
		$detail  = 'refused' === $failure ? $error->get_error_message() : (string) $error->get_error_code();
		$advice  = array(
			'bridge_forbidden' => __( 'The backend does not know this site\'s secret or salts: press Connect again. If LEARNOMY_SECRET is set, it must be the same on both sides.', 'learnomy' ),
			'bridge_stale'     => __( 'The backend\'s clock is more than a minute away from this server\'s. Let both take their time from NTP.', 'learnomy' ),
			'bridge_protocol'  => __( 'Plugin and backend are too far apart in version to talk. Update the older one.', 'learnomy' ),
			'bridge_replayed'  => __( 'Something between WordPress and the backend sends requests twice. Give the backend\'s own address, without a proxy that retries.', 'learnomy' ),
		);
		if ( isset( $advice[ $detail ] ) ) {
			return $advice[ $detail ];
		}
		if ( 'connect' === $failure ) {
			/* translators: %s: address of the backend. */
			return sprintf( __( 'Nothing answers at %s. Start the backend (systemctl start learnomy, or docker compose up), or correct its address under Learnomy Settings.', 'learnomy' ), Bridge_Options::address() );
		}
		if ( 'timeout' === $failure ) {
			return __( 'The backend takes the connection and does not answer in time. Look into its log; its database may be down.', 'learnomy' );
		}
		if ( 'garbage' === $failure ) {
			return __( 'What answers at the backend\'s address is not the backend. Correct the address under Learnomy Settings.', 'learnomy' );
		}
		/* translators: %s: error message. */
		return sprintf( __( 'The backend refuses to talk: %s', 'learnomy' ), $error->get_error_message() );
	}

	/**
	 * Whether somebody drains the outbox, and what else the backend says of itself.
	 */
	private function worker(): void {
		$reply  = rest_do_request( new \WP_REST_Request( 'GET', '/learnomy/v1/status' ) );
		$answer = (array) $reply->get_data();
		if ( $reply->is_error() || ! isset( $answer['data'] ) || ! is_array( $answer['data'] ) ) {
			$this->note( 'status', 'recommended', __( 'The backend does not tell its status. Look into its log.', 'learnomy' ) );
			return;
		}
		$status       = $answer['data'];
		$this->needed = (string) ( $status['wordpress_needed'] ?? '' );
		if ( ! empty( $status['pending_migrations'] ) ) {
			$this->note( 'tables', 'critical', __( 'The tables are older than the backend. Press Connect under Learnomy Settings, or run learnomy migrate.', 'learnomy' ) );
		}
		$late = (int) ( $status['outbox']['oldest_seconds'] ?? 0 );
		if ( $late > self::LATE_SECONDS ) {
			/* translators: %d: seconds. */
			$this->note( 'worker', 'recommended', sprintf( __( 'The oldest event has waited %d seconds for WordPress: the worker does not run, or cannot reach this site. Start it (learnomy worker). Until then, visits of the site bring events along.', 'learnomy' ), $late ) );
		} else {
			$this->note( 'worker', 'good', __( 'No event waits for WordPress.', 'learnomy' ) );
		}
		if ( ! empty( $status['outbox']['skipped'] ) || ! empty( $status['outbox']['repeated'] ) ) {
			/* translators: 1: number of events, 2: number of events. */
			$this->note( 'listeners', 'recommended', sprintf( __( 'Listeners of other plugins ended the process that ran them: %1$d were left out, %2$d ran again. Their names are in the column note of the outbox table.', 'learnomy' ), (int) $status['outbox']['skipped'], (int) $status['outbox']['repeated'] ) );
		}
	}

	/**
	 * Whether calls of the backend arrive, with their Authorization header.
	 */
	private function loopback(): void {
		if ( ! Channel_Keys::are_usable() ) {
			return;
		}
		$tried = Site_Doors::loopback();
		if ( ! $tried['reached'] ) {
			/* translators: %s: error. */
			$this->note( 'loopback', 'recommended', sprintf( __( 'This site cannot call itself (%s), so the backend probably cannot either; events then wait for visits. Give an address that works from the server itself under Learnomy Settings.', 'learnomy' ), $tried['problem'] ) );
			return;
		}
		$this->note( 'loopback', 'good', __( 'Signed calls reach WordPress.', 'learnomy' ) );
		if ( $tried['authorization'] ) {
			$this->note( 'authorization', 'good', __( 'The Authorization header arrives in PHP.', 'learnomy' ) );
		} else {
			$this->note( 'authorization', 'recommended', __( 'The web server takes the Authorization header away, so apps cannot log in by WordPress. In nginx pass HTTP_AUTHORIZATION to PHP; in Apache use the ready snippet bridge/apache, or CGIPassAuth On. Apps may send X-Learnomy-Authorization instead.', 'learnomy' ) );
		}
	}

	/**
	 * Which door answers.
	 */
	private function doors(): void {
		if ( ! Bridge_Options::is_paired() ) {
			return;
		}
		$probe = Site_Doors::probe();
		$texts = array(
			'direct' => __( 'REST requests go straight to the backend, without PHP.', 'learnomy' ),
			'early'  => __( 'REST requests are forwarded before plugins load. For the fastest answers, add the ready nginx snippet.', 'learnomy' ),
			'full'   => '' === $this->needed
				? __( 'Every REST request loads all of WordPress. The reason is among the points here: a plugin that must be asked, compatibility mode, or a stub that could not be written.', 'learnomy' )
				/* translators: %s: the backend's reason. */
				: sprintf( __( 'Every REST request loads all of WordPress: %s.', 'learnomy' ), $this->needed ),
		);
		if ( '' === $probe['door'] ) {
			/* translators: %s: error. */
			$this->note( 'doors', 'recommended', sprintf( __( 'The REST API of this site could not be tried from the server itself: %s', 'learnomy' ), $probe['problem'] ) );
			return;
		}
		$this->note( 'doors', 'full' === $probe['door'] ? 'recommended' : 'good', $texts[ $probe['door'] ] );
	}

	/**
	 * Plugins that make every request load WordPress.
	 */
	private function plugins(): void {
		$blocking = self::blocking();
		foreach ( $blocking['gates'] as $owner => $hooks ) {
			/* translators: 1: name of a plugin, 2: names of hooks. */
			$this->note( 'plugin', 'recommended', sprintf( __( '%1$s listens to %2$s and may judge any REST request, so each is brought before it. If it concerns its own routes only, mark it harmless under Learnomy Settings.', 'learnomy' ), $owner, implode( ', ', $hooks ) ) );
		}
		foreach ( $blocking['firewalls'] as $slug ) {
			/* translators: %s: name of a plugin. */
			$this->note( 'firewall', 'recommended', sprintf( __( '%s guards this site where it cannot be seen, so each REST request is brought before it. If the web server or the backend may answer without it, tick it under Learnomy Settings.', 'learnomy' ), $slug ) );
		}
		if ( Bridge_Options::get( 'compat' ) ) {
			$this->note( 'compat', 'recommended', __( 'Compatibility mode is on: every REST request loads WordPress. Turn it off under Learnomy Settings once the reason is gone.', 'learnomy' ) );
		}
	}

	/**
	 * The plugins that are not ticked yet.
	 *
	 * @return array{gates: array<string, string[]>, firewalls: string[]}
	 */
	public static function blocking(): array {
		$record = get_option( Record::OPTION );
		$record = is_array( $record ) ? $record : array();
		$gates  = array();
		foreach ( (array) ( $record['gates'] ?? array() ) as $hook => $owners ) {
			foreach ( array_diff( (array) $owners, Bridge_Options::get( 'harmless' ) ) as $owner ) {
				$gates[ $owner ][] = (string) $hook;
			}
		}
		return array(
			'gates'     => $gates,
			'firewalls' => array_values( array_diff( (array) ( $record['firewalls'] ?? array() ), Bridge_Options::get( 'firewall_ok' ) ) ),
		);
	}

	/**
	 * The record of listeners.
	 */
	private function record(): void {
		$record = get_option( Record::OPTION );
		$age    = is_array( $record ) && isset( $record['time'] ) ? time() - (int) $record['time'] : null;
		if ( null === $age ) {
			$this->note( 'record', 'recommended', __( 'Nothing is recorded yet of who listens. Open any page of the site once, or run wp learnomy record.', 'learnomy' ) );
		} elseif ( $age > self::OLD_RECORD ) {
			/* translators: %s: a length of time. */
			$this->note( 'record', 'recommended', sprintf( __( 'The record of listeners is %s old: no page or REST request has reached WordPress since.', 'learnomy' ), human_time_diff( time() - $age ) ) );
		} else {
			$this->note( 'record', 'good', __( 'The record of listeners is up to date.', 'learnomy' ) );
		}
	}

	/**
	 * The stub of the early door.
	 */
	private function stub(): void {
		if ( Activation_Stub::is_installed() ) {
			$this->note( 'stub', 'good', __( 'The stub of the early door is installed.', 'learnomy' ) );
			return;
		}
		$texts = array(
			'foreign'   => __( 'Another file stands where the early door\'s stub belongs: %s. Remove it, then deactivate and activate Learnomy.', 'learnomy' ),
			'file_mods' => __( 'This site forbids changes to files, so the early door\'s stub could not be written to %s. Put it there when you deploy.', 'learnomy' ),
		);
		$text  = $texts[ Bridge_Options::get( 'stub_problem' ) ] ?? __( 'The early door\'s stub could not be written to %s, so REST requests load all of WordPress unless nginx sends them to the backend. Make that folder writable for PHP, then deactivate and activate Learnomy.', 'learnomy' );
		$this->note( 'stub', 'recommended', sprintf( $text, str_replace( wp_normalize_path( ABSPATH ), '', wp_normalize_path( Activation_Stub::path() ) ) ) );
	}
}
