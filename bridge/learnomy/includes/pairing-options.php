<?php
/**
 * The option `learnomy_bridge`: the secret, the backend's address and the owner's choices.
 *
 * A network has one backend: secret, address and pairing are the main site's, the rest is each site's own.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Reads and changes the option.
 */
final class Bridge_Options {

	const OPTION  = 'learnomy_bridge';
	const NETWORK = array( 'secret', 'address', 'loopback', 'paired_at', 'facts', 'addresses', 'stub_problem' );

	const DEFAULTS = array(
		'secret'        => '',
		'address'       => '',
		'loopback'      => '',
		'paired_at'     => 0,
		'facts'         => '',
		'addresses'     => array(),
		'stub_problem'  => '',
		'compat'        => false,
		'harmless'      => array(),
		'firewall_ok'   => array(),
		'rest_prefix'   => 'wp-json',
		'remove_tables' => false,
		'version'       => '',
	);

	/**
	 * One value.
	 *
	 * @param string $name Name.
	 * @return mixed
	 */
	public static function get( string $name ) {
		$stored = in_array( $name, self::NETWORK, true ) ? self::of_network() : self::of_site();
		$value  = isset( $stored[ $name ] ) ? $stored[ $name ] : self::DEFAULTS[ $name ];
		return gettype( $value ) === gettype( self::DEFAULTS[ $name ] ) ? $value : self::DEFAULTS[ $name ];
	}

	/**
	 * Changes some values.
	 *
	 * @param array $changes Name => value.
	 */
	public static function set( array $changes ): void {
		$network = array_intersect_key( $changes, array_flip( self::NETWORK ) );
		$site    = array_diff_key( $changes, $network );
		if ( self::is_elsewhere() ) {
			if ( $network ) {
				switch_to_blog( get_main_site_id() );
				update_option( self::OPTION, array_merge( self::of_site(), $network ), true );
				restore_current_blog();
			}
			$changes = $site;
		}
		if ( $changes ) {
			update_option( self::OPTION, array_merge( self::of_site(), $changes ), true );
		}
	}

	/**
	 * The backend's address: the constant's, else the one that pairing found.
	 *
	 * @return string 'http://host:port' or 'unix:/path', or ''.
	 */
	public static function address(): string {
		if ( defined( 'LEARNOMY_BACKEND' ) && is_string( LEARNOMY_BACKEND ) && '' !== LEARNOMY_BACKEND ) {
			return LEARNOMY_BACKEND;
		}
		return self::get( 'address' );
	}

	/**
	 * The pairing secret: the constant's or the environment's, else the one made at activation.
	 *
	 * @return string
	 */
	public static function secret(): string {
		if ( defined( 'LEARNOMY_SECRET' ) && is_string( LEARNOMY_SECRET ) && '' !== LEARNOMY_SECRET ) {
			return LEARNOMY_SECRET;
		}
		$given = getenv( 'LEARNOMY_SECRET' );
		return is_string( $given ) && '' !== $given ? $given : self::get( 'secret' );
	}

	/**
	 * Whether a backend was found and knows this site.
	 *
	 * @return bool
	 */
	public static function is_paired(): bool {
		return self::get( 'paired_at' ) > 0 && '' !== self::address();
	}

	/**
	 * This site's option.
	 *
	 * @return array
	 */
	private static function of_site(): array {
		$stored = get_option( self::OPTION );
		return is_array( $stored ) ? $stored : array();
	}

	/**
	 * The main site's option.
	 *
	 * @return array
	 */
	private static function of_network(): array {
		if ( ! self::is_elsewhere() ) {
			return self::of_site();
		}
		$stored = get_blog_option( get_main_site_id(), self::OPTION );
		return is_array( $stored ) ? $stored : array();
	}

	/**
	 * Whether the current site is not the network's main one.
	 *
	 * @return bool
	 */
	private static function is_elsewhere(): bool {
		return is_multisite() && get_main_site_id() !== get_current_blog_id();
	}
}
