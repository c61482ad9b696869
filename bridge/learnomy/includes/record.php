<?php
/**
 * The record of listeners: one option from which the backend knows whether a request needs WordPress.
 *
 * It is a union that only grows under one fingerprint of plugins and theme, and begins anew when that changes, or when
 * a file of somebody's that it names is gone.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Keeps the record.
 */
final class Record {

	const OPTION  = 'learnomy_record';
	const VERSION = 1;

	/**
	 * Seconds between two writes that say nothing new.
	 */
	const RENEWED_AFTER = 60;

	/**
	 * Options that the backend reads at every request and keeps for a moment: it must hear of their change.
	 */
	const WATCHED = array(
		'learnomy_settings',
		'learnomy_bridge',
		'learnomy_keys',
		'active_plugins',
		'active_sitewide_plugins',
		'template',
		'stylesheet',
		'home',
		'siteurl',
		'blogname',
		'timezone_string',
		'gmt_offset',
		'WPLANG',
		'users_can_register',
		'using_application_passwords',
	);

	/**
	 * What this request has seen so far.
	 *
	 * @var array
	 */
	private static $seen = array(
		'listeners' => array(),
		'gates'     => array(),
	);

	/**
	 * The fingerprint of what this request runs: files may change before it ends.
	 *
	 * @var string
	 */
	private static $running = '';

	/**
	 * Sites of which the backend must be told, by id.
	 *
	 * @var array<int, true>
	 */
	private static $changed = array();

	/**
	 * Registers.
	 */
	public static function init(): void {
		add_action( 'plugins_loaded', array( self::class, 'note_files' ), -PHP_INT_MAX );
		add_action( 'wp_loaded', array( self::class, 'look' ), PHP_INT_MAX );
		add_action( 'shutdown', array( self::class, 'on_shutdown' ), PHP_INT_MAX - 1 );
		foreach ( self::WATCHED as $option ) {
			add_action( 'add_option_' . $option, array( self::class, 'note_change' ) );
			add_action( 'update_option_' . $option, array( self::class, 'note_change' ) );
			add_action( 'delete_option_' . $option, array( self::class, 'note_change' ) );
			add_action( 'add_site_option_' . $option, array( self::class, 'note_change' ) );
			add_action( 'update_site_option_' . $option, array( self::class, 'note_change' ) );
		}
	}

	/**
	 * Notes which files this request runs, as early as WordPress knows of all of them.
	 */
	public static function note_files(): void {
		self::$running = Record_Files::fingerprint();
	}

	/**
	 * Something of the current site changed that the backend keeps.
	 */
	public static function note_change(): void {
		self::$changed[ get_current_blog_id() ] = true;
	}

	/**
	 * Begins the record of the current site anew: until a request of a whole WordPress has written one, all go there.
	 */
	public static function forget(): void {
		delete_option( self::OPTION );
		self::note_change();
	}

	/**
	 * Looks who listens, once everything is loaded.
	 */
	public static function look(): void {
		if ( self::is_telling() ) {
			self::$seen = self::union( self::$seen, Record_Scan::run() );
		}
	}

	/**
	 * Looks again as the request ends, and writes and tells once the answer is sent.
	 */
	public static function on_shutdown(): void {
		// A request may end before WordPress is loaded, at the early door or by somebody's exit.
		if ( wp_installing() || ! did_action( 'wp_loaded' ) || ! Bridge_Options::is_paired() ) {
			return;
		}
		self::look();
		$is_due = self::is_telling() && null !== self::due();
		if ( $is_due || self::$changed ) {
			register_shutdown_function( array( self::class, 'after_answer' ) );
		}
	}

	/**
	 * Writes what is due, and tells the backend what changed.
	 */
	public static function after_answer(): void {
		if ( function_exists( 'fastcgi_finish_request' ) ) {
			fastcgi_finish_request();
		} elseif ( function_exists( 'litespeed_finish_request' ) ) {
			litespeed_finish_request();
		}
		if ( self::is_telling() ) {
			self::write();
			Pairing::renew_if_changed();
		}
		self::tell_now();
	}

	/**
	 * Tells the backend what changed, where something did.
	 */
	public static function tell_now(): void {
		foreach ( array_keys( self::$changed ) as $site_id ) {
			$switched = is_multisite() && get_current_blog_id() !== $site_id && switch_to_blog( $site_id );
			Channel::call( 'changed', array( 'what' => array( 'site' ) ) );
			if ( $switched ) {
				restore_current_blog();
			}
		}
		self::$changed = array();
	}

	/**
	 * Answers the backend's signed call `record`.
	 *
	 * @return array
	 */
	public static function serve(): array {
		self::$seen = self::union( self::$seen, Record_Scan::run() );
		self::write( true );
		$stored = get_option( self::OPTION );
		return array( 'time' => is_array( $stored ) && isset( $stored['time'] ) ? (int) $stored['time'] : 0 );
	}

	/**
	 * Writes the record where it is due.
	 *
	 * @param bool $always Whether to write in any case.
	 */
	public static function write( bool $always = false ): void {
		global $wpdb;
		// Another process may have written meanwhile: the union is made with what stands in the table.
		wp_cache_delete( 'alloptions', 'options' );
		wp_cache_delete( self::OPTION, 'options' );
		$record = self::due( $always );
		if ( null === $record ) {
			return;
		}
		if ( self::differs( self::stored(), $record ) ) {
			self::note_change();
		}
		update_option( self::OPTION, $record, true );
		$prefix = rest_get_url_prefix();
		if ( Bridge_Options::get( 'rest_prefix' ) !== $prefix ) {
			Bridge_Options::set( array( 'rest_prefix' => $prefix ) );
		}
	}

	/**
	 * The record to write; null where the stored one is true and young, and where this request cannot tell.
	 *
	 * @param bool $always Whether to write what says nothing new, too.
	 * @return array|null
	 */
	private static function due( bool $always = false ): ?array {
		if ( Record_Files::fingerprint() !== self::$running ) {
			return null; // What it has seen is of another site than the one that there is now.
		}
		$stored      = self::stored();
		$is_old      = ! isset( $stored['time'] ) || time() - (int) $stored['time'] >= self::RENEWED_AFTER;
		$earlier     = self::grows( $stored ) ? $stored : null;
		$is_outdated = Record_Files::may_be_outdated();
		if ( $is_outdated && null !== $earlier && $earlier['settled'] ) {
			return null;
		}
		$record = self::current( $earlier, ! $is_outdated );
		return $always || $is_old || self::differs( $stored, $record ) ? $record : null;
	}

	/**
	 * Whether what was seen is added to a stored record: it is of this fingerprint, and all that it names are there.
	 *
	 * @param array $stored Stored record.
	 * @return bool
	 */
	private static function grows( array $stored ): bool {
		if ( ! isset( $stored['fingerprint'], $stored['listeners'], $stored['gates'], $stored['settled'] ) || $stored['fingerprint'] !== self::$running ) {
			return false;
		}
		$owners = array_merge( array(), ...array_values( $stored['listeners'] ), ...array_values( $stored['gates'] ) );
		foreach ( array_unique( $owners ) as $owner ) {
			if ( ! Record_Files::has_owner( (string) $owner ) ) {
				return false;
			}
		}
		return true;
	}

	/**
	 * The record as it is now.
	 *
	 * @param array|null $earlier What was recorded under the same fingerprint.
	 * @param bool       $settled Whether this request surely ran what the files say.
	 * @return array
	 */
	private static function current( ?array $earlier, bool $settled ): array {
		// What code said that may have been changed since is held against nobody once the new code has spoken.
		$is_kept = null !== $earlier && $earlier['settled'] === $settled;
		$seen    = $is_kept ? self::union( $earlier, self::$seen ) : self::$seen;
		$site    = is_multisite() ? get_site() : null;
		return array(
			'version'     => self::VERSION,
			'fingerprint' => self::$running,
			'settled'     => $settled,
			'time'        => time(),
			'plugins'     => md5( Record_Files::raw_option( 'active_plugins' ) ),
			'network'     => md5( Record_Files::network_plugins() ),
			'stylesheet'  => Record_Files::raw_option( 'stylesheet' ),
			'template'    => Record_Files::raw_option( 'template' ),
			'listeners'   => $seen['listeners'],
			'gates'       => $seen['gates'],
			'firewalls'   => self::firewalls(),
			'blog'        => array(
				'archived' => $site ? (int) $site->archived : 0,
				'spam'     => $site ? (int) $site->spam : 0,
				'deleted'  => $site ? (int) $site->deleted : 0,
			),
		);
	}

	/**
	 * Whether two records say different things.
	 *
	 * @param array $one   Record.
	 * @param array $other Record.
	 * @return bool
	 */
	private static function differs( array $one, array $other ): bool {
		unset( $one['time'], $other['time'] );
		return $one !== $other;
	}

	/**
	 * The stored record.
	 *
	 * @return array
	 */
	private static function stored(): array {
		$stored = get_option( self::OPTION );
		return is_array( $stored ) ? $stored : array();
	}

	/**
	 * Both of two looks.
	 *
	 * @param array $one   Look.
	 * @param array $other Look.
	 * @return array
	 */
	private static function union( array $one, array $other ): array {
		$union = array();
		foreach ( array( 'listeners', 'gates' ) as $kind ) {
			$union[ $kind ] = (array) $one[ $kind ];
			foreach ( (array) $other[ $kind ] as $hook => $owners ) {
				$known                   = (array) ( $union[ $kind ][ $hook ] ?? array() );
				$union[ $kind ][ $hook ] = array_values( array_unique( array_merge( $known, $owners ) ) );
				sort( $union[ $kind ][ $hook ] );
			}
			ksort( $union[ $kind ] );
		}
		return $union;
	}

	/**
	 * Active plugins that guard the site where no hook shows it.
	 *
	 * @return string[]
	 */
	private static function firewalls(): array {
		$found = array();
		foreach ( Record_Files::active_plugins() as $plugin ) {
			$slug = strtolower( (string) preg_replace( '/\.php$/', '', (string) strtok( $plugin, '/' ) ) );
			if ( in_array( $slug, Record_Lists::FIREWALLS, true ) ) {
				$found[] = $slug;
			}
		}
		sort( $found );
		return array_values( array_unique( $found ) );
	}

	/**
	 * Whether this request tells who listens: a page or a REST request of the full WordPress.
	 *
	 * @return bool
	 */
	private static function is_telling(): bool {
		if ( defined( 'REST_REQUEST' ) && REST_REQUEST ) {
			return true;
		}
		return 'cli' !== PHP_SAPI && ! is_admin() && ! wp_doing_ajax() && ! wp_doing_cron() && ! ( defined( 'XMLRPC_REQUEST' ) && XMLRPC_REQUEST );
	}
}
