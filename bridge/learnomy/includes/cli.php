<?php
/**
 * `wp learnomy`: a thin face of functions that work without WP-CLI.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Connects WordPress with Learnomy's backend, and fills it with a demo academy.
 */
final class CLI {

	/**
	 * Registers the command, where WP-CLI runs.
	 */
	public static function init(): void {
		if ( defined( 'WP_CLI' ) && WP_CLI ) {
			\WP_CLI::add_command( 'learnomy', self::class );
		}
	}

	/**
	 * Pairs this site with the backend, and has the tables made.
	 *
	 * ## OPTIONS
	 *
	 * [<address>]
	 * : http://host:port or unix:/path; without it the usual ones are tried.
	 *
	 * @param string[] $arguments Arguments.
	 */
	public function pair( $arguments ): void {
		$paired = Pairing::pair( (string) ( $arguments[0] ?? '' ) );
		if ( is_wp_error( $paired ) ) {
			\WP_CLI::error( $paired->get_error_message() );
		}
		\WP_CLI::success( 'Paired with ' . Bridge_Options::address() . '.' );
	}

	/**
	 * Tries the whole chain, and says what to do where it does not hold.
	 */
	public function status(): void {
		$findings = Site_Chain::run();
		foreach ( $findings as $finding ) {
			\WP_CLI::log( strtoupper( $finding['status'] ) . ' ' . $finding['id'] . ': ' . $finding['text'] );
		}
		if ( 'critical' === Site_Chain::worst( $findings ) ) {
			\WP_CLI::halt( 1 );
		}
	}

	/**
	 * Fills this site with the demo academy: 60 courses, 100 students, 10 instructors. Safe to run twice.
	 *
	 * ## OPTIONS
	 *
	 * [--scale=<number>]
	 * : Multiplies for load tests.
	 *
	 * [--password=<password>]
	 * : Of the people made; without it nobody can log in as them.
	 *
	 * [--remove]
	 * : Removes what was made.
	 *
	 * @subcommand seed-model-site
	 *
	 * @param string[] $arguments Arguments.
	 * @param array    $options   Options.
	 */
	public function seed_model_site( $arguments, $options ): void {
		$done = empty( $options['remove'] )
			? Seed::run( (int) ( $options['scale'] ?? 1 ), (string) ( $options['password'] ?? '' ) )
			: Seed::remove();
		if ( is_wp_error( $done ) ) {
			\WP_CLI::error( $done->get_error_message() );
		}
		$parts = array();
		foreach ( $done as $what => $number ) {
			$parts[] = "$number $what";
		}
		\WP_CLI::success( implode( ', ', $parts ) . '.' );
	}

	/**
	 * Records who listens to Learnomy's hooks and to REST requests.
	 */
	public function record(): void {
		$record = Record::serve();
		\WP_CLI::success( 'Recorded at ' . gmdate( 'c', $record['time'] ) . '.' );
	}
}
